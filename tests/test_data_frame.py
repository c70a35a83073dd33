import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas
import pytest
from helpers.example_records import FACE, LABELS, RECORDS, TRACKED

from emorec.data_frame import to_pandas
from emorec.errors import MissingDependencyError
from emorec.frames import Frame
from emorec.inference.stream import FrameResult
from emorec.outputs.csv_format import CsvWriter
from emorec.outputs.record_table import FACE_COLUMNS, FRAME_COLUMNS
from emorec.outputs.records import ImageResult

IMAGE = np.zeros((48, 64, 3), np.uint8)


def frame_result(number: int, *faces) -> FrameResult:
    return FrameResult(Frame(IMAGE, (640, 480), number, number / 10), faces, detected=True)


def stream() -> Iterator[FrameResult]:
    yield frame_result(0, TRACKED, FACE)
    yield frame_result(1)
    yield frame_result(2, TRACKED)


RESULTS = [
    ([], []),
    ({}, []),
    (iter([]), []),
    (FACE, [(None, None, 1, "happy")]),
    ([FACE, TRACKED], [(None, None, 1, "happy"), (None, None, 2, "sad")]),
    ((face for face in [TRACKED]), [(None, None, 1, "sad")]),
    ([[], [FACE]], [("0", None, None, None), ("1", None, 1, "happy")]),
    (
        {"a.jpg": [FACE], Path("b.jpg"): []},
        [("a.jpg", None, 1, "happy"), ("b.jpg", None, None, None)],
    ),
    (frame_result(3, FACE), [(None, 3, 1, "happy")]),
    (
        stream(),
        [(None, 0, 1, "sad"), (None, 0, 2, "happy"), (None, 1, None, None), (None, 2, 1, "sad")],
    ),
    ({"a.mp4": [frame_result(3, FACE)]}, [("a.mp4", 3, 1, "happy")]),
    (RECORDS[1], [("none.jpg", None, None, None)]),
    (ImageResult(RECORDS[3]), [("clip.mp4", 12, 1, "sad")]),
    (
        [ImageResult(record) for record in RECORDS[:2]],
        [("a.jpg", None, 1, "happy"), ("a.jpg", None, 2, "sad"), ("none.jpg", None, None, None)],
    ),
]


@pytest.mark.parametrize(("results", "expected"), RESULTS)
def test_rows(results, expected):
    table = to_pandas(results)
    cells = table[["source", "frame", "face", "emotion"]].astype(object)
    rows = cells.where(cells.notna(), None).itertuples(index=False, name=None)
    assert list(rows) == expected
    labels = LABELS if any(row[3] for row in expected) else ()
    assert list(table.columns) == [*FRAME_COLUMNS, *FACE_COLUMNS, *labels]


def test_the_cells_are_those_of_the_csv_file(tmp_path: Path):
    with CsvWriter(str(tmp_path / "faces.csv"), LABELS) as writer:
        for record in (*RECORDS[:2], RECORDS[3]):
            writer.add(record)
    table = to_pandas([*RECORDS[:2], RECORDS[3]])
    types = {name: str(kind) for name, kind in table.dtypes.items()}
    read = pandas.read_csv(tmp_path / "faces.csv", dtype=types)
    empty = dict.fromkeys(("detector", "emotion"), "")  # None and NaN
    pandas.testing.assert_frame_equal(table.fillna(empty), read.fillna(empty), check_dtype=False)
    assert table["uncertain"].tolist()[:2] == [False, False]
    assert types["id"] == types["frame"] == "Int64"
    assert types["happy"] == types["time_s"] == "float64"


def test_the_status_of_images_of_unknown_size():
    table = to_pandas({"a.jpg": [FACE], "b.jpg": []})
    assert table["status"].tolist() == ["ok", "no_face"]
    assert table["width"].isna().all()


def test_labels_of_several_models_and_of_the_name_of_a_column():
    other = dict(RECORDS[0]["faces"][0], probabilities={"x": 1.0}, emotion="x")
    table = to_pandas([RECORDS[0], {**RECORDS[0], "faces": [other]}])
    assert list(table.columns)[-3:] == [*LABELS, "x"]
    assert table.iloc[:, -1].fillna(0).tolist() == [0, 0, 1]
    assert table["happy"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize(
    "results", [None, 3, "a.jpg", b"", [3], [[FACE], "a.jpg"], [FACE, [FACE]], {"a.jpg": None}]
)
def test_anything_else_is_refused(results):
    with pytest.raises(TypeError, match=r"to_pandas needs results of .*; received"):
        to_pandas(results)


def test_pandas_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDependencyError, match="install it with: pip install pandas"):
        to_pandas([FACE])
