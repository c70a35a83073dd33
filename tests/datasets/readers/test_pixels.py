"""Pixel CSV files: right ones, hostile ones, and every packing of them."""

import gzip
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.checkouts import HAPPY, SAD, csv_text, tree
from hypothesis import given
from hypothesis import strategies as st

from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers import pixels
from emorec.datasets.readers.image_files import check_readable, encode_gray_png
from emorec.datasets.readers.pixels import PIXELS, parse_pixels
from emorec.datasets.readers.rows import ReadOptions
from emorec.errors import ConfigError, DataError

NUMBERS = np.random.default_rng(5).integers(0, 256, (6, PIXELS))
TEXTS = [" ".join(map(str, row)) for row in NUMBERS]
GOOD = TEXTS[0].encode()


def fer2013(
    rows: list[tuple[int, str]] | None = None, header: str = "emotion,pixels,Usage", end: str = "\n"
) -> str:
    """A small fer2013.csv: emotion and usage of each row."""
    if rows is None:
        rows = [(3, "Training"), (0, "Training"), (6, "PublicTest"), (4, "PrivateTest")]
    lines = [f"{emotion},{TEXTS[i]},{usage}" for i, (emotion, usage) in enumerate(rows)]
    return end.join([header, *lines]) + end


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "fer2013.csv"
    path.write_text(fer2013())
    return path


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "out"


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


def manifest(root: Path) -> list[str]:
    return (root / "manifest.csv").read_text().splitlines()


def test_the_labels_of_fer2013_are_used(source: Path, dest: Path) -> None:
    summary = prepare_data(source, dest).summary
    assert manifest(dest) == [
        "path,split,usage,label,source",
        "train/happy/fer2013-00000.png,train,Training,happy,fer2013",
        "train/angry/fer2013-00001.png,train,Training,angry,fer2013",
        "test/neutral/fer2013-00002.png,validation,PublicTest,neutral,fer2013",
        "test/sad/fer2013-00003.png,test,PrivateTest,sad,fer2013",
    ]
    image = cv2.imread(str(dest / "train/happy/fer2013-00000.png"), cv2.IMREAD_UNCHANGED)
    assert (image == NUMBERS[0].reshape(48, 48)).all()
    assert (summary["policy"], summary["classes"]) == (None, 7)
    assert summary["notes"] == []
    assert not prepare_data(source, dest).changed


VARIANTS = {
    "CRLF": fer2013(end="\r\n"),
    "byte order mark": "\ufeff" + fer2013(),
    "both": "\ufeff" + fer2013(end="\r\n"),
    "no last line end": fer2013().rstrip("\n"),
    "blank lines": fer2013().replace("\n", "\n\n"),
    "quotes": "emotion,pixels,Usage\n"
    + "".join('"' + line.replace(",", '","') + '"\n' for line in fer2013().splitlines()[1:]),
    "blanks in the header": fer2013(header="emotion, pixels, Usage"),
    "blanks around values": fer2013().replace(",PublicTest", ", PublicTest "),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_spelling_of_the_file_is_the_same_data(
    source: Path, dest: Path, variant: str
) -> None:
    prepare_data(source, dest.with_name("wanted"))
    source.write_text(VARIANTS[variant], encoding="utf-8", newline="")
    prepare_data(source, dest)
    wanted = tree(dest.with_name("wanted"))
    assert {p: d for p, d in tree(dest).items() if p != "summary.json"} == {
        p: d for p, d in wanted.items() if p != "summary.json"
    }


def test_icml_face_data_has_another_order(tmp_path: Path, dest: Path) -> None:
    path = tmp_path / "icml_face_data.csv"
    lines = [line.split(",") for line in fer2013().splitlines()[1:]]
    rows = [f"{emotion}, {usage}, {numbers}" for emotion, numbers, usage in lines]
    path.write_text("\n".join(["emotion, Usage, pixels", *rows]))
    prepare_data(path, dest)
    assert [line.split(",")[1:4] for line in manifest(dest)[1:]] == [
        ["train", "Training", "happy"],
        ["train", "Training", "angry"],
        ["validation", "PublicTest", "neutral"],
        ["test", "PrivateTest", "sad"],
    ]


def test_train_csv_holds_out_some_and_test_csv_has_no_labels(tmp_path: Path, dest: Path) -> None:
    folder = tmp_path / "challenge"
    folder.mkdir()
    rows = [f"3,{TEXTS[i % 6]}" for i in range(20)]
    (folder / "train.csv").write_text("\n".join(["emotion,pixels", *rows]))
    (folder / "test.csv").write_text(f"pixels\n{TEXTS[0]}\n")
    summary = prepare_data(folder, dest).summary
    assert {split: counts["happy"] for split, counts in summary["kept"].items()} == {
        "train": 18,
        "validation": 2,
        "test": 0,
    }
    assert summary["unlabelled"]["test"] == {"no label in the source": 1}
    assert summary["notes"] == ["1 rows have no emotion, as in test.csv"]
    # What is held out stays in train/, whose shape people know.
    assert len(list((dest / "train/happy").iterdir())) == 20


def votes_file(tmp_path: Path, usages: list[str]) -> Path:
    path = tmp_path / "fer2013new.csv"
    rows = [(usage, f"fer{i:07}.png", HAPPY if i % 2 else SAD) for i, usage in enumerate(usages)]
    path.write_text(csv_text(rows))
    return path


USAGES = ["Training", "Training", "PublicTest", "PrivateTest"]


def test_votes_are_joined_by_row(source: Path, tmp_path: Path, dest: Path) -> None:
    votes = votes_file(tmp_path, USAGES)
    summary = prepare_data(source, dest, read_options=ReadOptions(ferplus_csv=votes)).summary
    assert [line.split(",")[0] for line in manifest(dest)[1:]] == [
        "train/sad/fer0000000.png",
        "train/happy/fer0000001.png",
        "test/sad/fer0000002.png",
        "test/happy/fer0000003.png",
    ]
    image = cv2.imread(str(dest / "train/happy/fer0000001.png"), cv2.IMREAD_UNCHANGED)
    assert (image == NUMBERS[1].reshape(48, 48)).all()
    assert (summary["source"], summary["policy"]) == ("ferplus", "dominant")
    # A checkout that holds both files says the same without being told.
    folder = tmp_path / "FERPlus"
    folder.mkdir()
    source.rename(folder / "fer2013.csv")
    votes.rename(folder / "fer2013new.csv")
    prepare_data(folder, dest.with_name("checkout"))
    assert manifest(dest.with_name("checkout")) == manifest(dest)


def test_rows_without_pixels_are_told_and_counted(source: Path, tmp_path: Path, dest: Path) -> None:
    votes = votes_file(tmp_path, [*USAGES, "PrivateTest", "PrivateTest"])
    summary = prepare_data(source, dest, read_options=ReadOptions(ferplus_csv=votes)).summary
    note = "2 rows of fer2013new.csv have no pixels: fer2013.csv ends before them"
    assert [gap["note"] for gap in summary["gaps"]] == [note]
    assert summary["dropped"]["test"]["no pixels"] == 2
    with pytest.raises(DataError, match=f"strict: {note}"):
        prepare_data(
            source, dest, PrepareOptions(strict=True), read_options=ReadOptions(ferplus_csv=votes)
        )


@pytest.mark.parametrize(
    ("usages", "message"),
    [
        (USAGES[:3], "do not belong together: 4 rows of pixels, 3 of votes"),
        (
            ["Training", "PublicTest", "PublicTest", "PrivateTest"],
            "do not belong together: row 3 is Training in one and PublicTest in the other",
        ),
    ],
)
def test_files_that_do_not_belong_together_are_refused(
    source: Path, tmp_path: Path, dest: Path, usages: list[str], message: str
) -> None:
    votes = votes_file(tmp_path, usages)
    with pytest.raises(DataError, match=message):
        prepare_data(source, dest, read_options=ReadOptions(ferplus_csv=votes))
    assert not dest.exists()


def test_votes_for_anything_else_are_refused(source: Path, tmp_path: Path, dest: Path) -> None:
    with pytest.raises(DataError, match="no such folder or file"):
        prepare_data(source, dest, read_options=ReadOptions(ferplus_csv=tmp_path / "none.csv"))
    with pytest.raises(ConfigError, match="must name the file"):
        prepare_data(source, dest, read_options=ReadOptions(ferplus_csv=tmp_path))


def test_hostile_rows_are_left_out_and_named(source: Path, dest: Path) -> None:
    source.write_text(fer2013().replace(TEXTS[1], TEXTS[1] + " 300"))
    summary = prepare_data(source, dest).summary
    assert [image["name"] for image in summary["unreadable_images"]] == ["fer2013-00001.png"]
    assert "2,305 pixel values" in summary["unreadable_images"][0]["error"]
    assert summary["dropped"]["train"]["image unreadable"] == 1
    with pytest.raises(DataError, match="strict: unreadable images: 1"):
        prepare_data(source, dest, PrepareOptions(strict=True))


BROKEN = {
    "empty": ("", "the file is empty"),
    "no rows": ("emotion,pixels,Usage\n", "a header and no rows"),
    "two pixel columns": ("emotion,pixels,pixels\n", "needs one column 'pixels'"),
    "fields missing": ("emotion,pixels,Usage\n3\n", "row 2 has 1 values"),
    "unknown usage": (fer2013([(3, "Dev")]), "row 2: unknown usage 'Dev'"),
    "unknown emotion": (fer2013([(7, "Training")]), "row 2: the emotion must be a number"),
    "bomb": ("emotion,pixels,Usage\n3," + "1 " * 3_000_000 + ",Training\n", "over 64 KiB long"),
    "bomb without end": ("emotion,pixels,Usage\n3," + "1 " * 3_000_000, "over 64 KiB long"),
    "bomb after a row": (fer2013() + "9" * 3_000_000, "row 6 is over 64 KiB long"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_are_refused(source: Path, dest: Path, case: str) -> None:
    content, message = BROKEN[case]
    source.write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        prepare_data(source, dest)
    assert len(str(caught.value)) < 400 + len(str(source))
    assert not dest.exists()


def test_a_file_without_end_is_refused(
    source: Path, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels, "MAX_BYTES", 20_000)
    with pytest.raises(DataError, match="MiB of text"):
        prepare_data(source, dest)


def test_a_file_of_blank_lines_is_refused(
    source: Path, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.write_text(fer2013() + "\n" * 200)
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


def test_gzip_and_zip_hold_the_same_data(source: Path, tmp_path: Path, dest: Path) -> None:
    prepare_data(source, dest)
    packed = tmp_path / "fer2013.csv.gz"
    packed.write_bytes(gzip.compress(source.read_bytes()))
    archive = tmp_path / "fer2013.csv.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(source, "fer2013.csv")
    nested = tmp_path / "archive.zip"
    with zipfile.ZipFile(nested, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(source, "fer2013/fer2013.csv")
        file.writestr("__MACOSX/fer2013/._fer2013.csv", b"\0\5\x16\7")
    for number, path in enumerate((packed, archive, nested)):
        other = tmp_path / f"out{number}"
        prepare_data(path, other)
        assert manifest(other) == manifest(dest)
        assert [d for p, d in tree(other).items() if p.endswith(".png")] == [
            d for p, d in tree(dest).items() if p.endswith(".png")
        ]


@pytest.mark.parametrize("damage", ["cut", "garbled", "no gzip"])
def test_a_damaged_gzip_is_refused(source: Path, tmp_path: Path, dest: Path, damage: str) -> None:
    packed = tmp_path / "fer2013.csv.gz"
    data = bytearray(gzip.compress(source.read_bytes()))
    if damage == "garbled":
        data[len(data) // 2 : len(data) // 2 + 40] = b"\xff" * 40
    packed.write_bytes({"cut": data[:-2000], "garbled": data, "no gzip": b"PK"}[damage])
    with pytest.raises(DataError, match=r"fer2013\.csv\.gz: "):
        prepare_data(packed, dest)
    assert not dest.exists()


def test_pixels_cannot_be_linked_to(source: Path, dest: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be linked to"):
        prepare_data(source, dest, PrepareOptions(link="hard"))


@pytest.mark.parametrize("shape", [(1, 1), (48, 48), (3, 5), (300, 300)])
def test_png_files_of_our_own_hold_the_pixels(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(2).integers(0, 256, shape, np.uint8)
    data = encode_gray_png(image)
    check_readable("it", data)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert (decoded == image).all()
    assert decoded.dtype == np.uint8
    with pytest.raises(DataError):
        check_readable("it", data[:-13])
