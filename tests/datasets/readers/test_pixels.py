"""Parsing pixel CSV files: correct rows, hostile rows, limits, and order across blocks."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.pixel_files import NUMBERS, TEXTS, pixel_csv
from hypothesis import given
from hypothesis import strategies as st

from emorec.datasets.prepare import prepare_data
from emorec.datasets.readers import pixels
from emorec.datasets.readers.pixels import PIXELS, parse_pixels
from emorec.datasets.readers.rows import ReadOptions
from emorec.errors import DataError

GOOD = TEXTS[0].encode()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "fer2013.csv"
    path.write_text(pixel_csv())
    return path


def test_no_rows_are_no_pixels() -> None:
    parsed, faults = parse_pixels([])
    assert (parsed.shape, faults) == ((0, PIXELS), {})


@given(
    st.lists(st.lists(st.integers(0, 255), min_size=3, max_size=3), min_size=1, max_size=5),
    st.sampled_from([" ", "  "]),
)
def test_pixels_are_the_numbers(rows: list[list[int]], blank: str) -> None:
    numbers = np.array([np.resize(row, PIXELS) for row in rows])
    parsed, faults = parse_pixels([blank.join(map(str, row)).encode() for row in numbers])
    assert faults == {}
    assert parsed.dtype == np.uint8
    assert (parsed == numbers).all()


@pytest.mark.parametrize("value", [0, 9, 10, 99, 100, 199, 200, 249, 250, 255])
def test_every_width_of_number_is_read(value: int) -> None:
    row = [value, 1, value, 255, value, *[0] * (PIXELS - 5)]
    parsed, faults = parse_pixels([" ".join(map(str, row)).encode()])
    assert (parsed[0].tolist(), faults) == (row, {})


HOSTILE = {
    "empty": (b"", "has 0 pixel values instead of 2,304"),
    "one missing": (GOOD.rpartition(b" ")[0], "has 2,303 pixel values"),
    "one more": (GOOD + b" 7", "has 2,305 pixel values"),
    "256": (GOOD.rpartition(b" ")[0] + b" 256", "received '256'"),
    "999": (GOOD.rpartition(b" ")[0] + b" 999", "received '999'"),
    "four digits": (GOOD.rpartition(b" ")[0] + b" 1000", "received '1000'"),
    "wraps to 0": (GOOD.rpartition(b" ")[0] + b" 65536", "received '65536'"),
    "negative": (GOOD.rpartition(b" ")[0] + b" -1", "received '-1'"),
    "decimal": (GOOD.rpartition(b" ")[0] + b" 1.5", "received '1.5'"),
    "word": (GOOD.rpartition(b" ")[0] + b" x", "received 'x'"),
    "formula": (GOOD.rpartition(b" ")[0] + b" =1+1", "received '=1+1'"),
    "no ASCII": (GOOD.rpartition(b" ")[0] + " ٣".encode(), "received "),
    "NUL": (GOOD.rpartition(b" ")[0] + b" \0", "received "),
    "tab": (GOOD.replace(b" ", b"\t"), "received "),
    "escape": (GOOD.rpartition(b" ")[0] + b" \x1b[31m", "received "),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_row_is_named_and_the_others_are_read(case: str) -> None:
    field, message = HOSTILE[case]
    parsed, faults = parse_pixels([TEXTS[1].encode(), field, TEXTS[2].encode()])
    assert list(faults) == [1]
    assert message in faults[1]
    assert faults[1].isprintable()
    assert (parsed[[0, 2]] == NUMBERS[[1, 2]]).all()
    assert not parsed[1].any()


@given(st.binary(max_size=40))
def test_no_bytes_are_pixels_unless_all_are_numbers(junk: bytes) -> None:
    field = GOOD + b" " + junk
    _, faults = parse_pixels([field])
    assert bool(faults) == (field.replace(b" ", b"") != GOOD.replace(b" ", b""))


def test_a_file_without_end_is_refused(
    source: Path, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels, "MAX_BYTES", 20_000)
    with pytest.raises(DataError, match="MiB of text"):
        prepare_data(source, dest)


def test_a_file_of_blank_lines_is_refused(
    source: Path, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.write_text(pixel_csv() + "\n" * 200)
    monkeypatch.setattr(pixels, "MAX_LINES", 100)
    with pytest.raises(DataError, match="over 100 lines"):
        prepare_data(source, dest)


@pytest.mark.parametrize("rows", [1, 300])
def test_rows_across_blocks_keep_their_order(tmp_path: Path, dest: Path, rows: int) -> None:
    path = tmp_path / "fer2013.csv"
    texts = [" ".join([str(i % 256)] * PIXELS) for i in range(rows)]
    path.write_text("emotion,pixels,Usage\n" + "".join(f"3,{t},Training\n" for t in texts))
    prepare_data(path, dest, read_options=ReadOptions(validation=0))
    for i in range(rows):
        image = cv2.imread(str(dest / f"train/happy/fer2013-{i:05}.png"), cv2.IMREAD_UNCHANGED)
        assert (image == i % 256).all()
