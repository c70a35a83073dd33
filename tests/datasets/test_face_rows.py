"""Rows of the manifest about faces: written and read back."""

import pytest

from emorec.datasets.face_rows import (
    CUT,
    MISSING,
    SEVERAL,
    WHOLE,
    FaceRow,
    cut_row,
    face_rows,
    images_apart,
)
from emorec.datasets.prepared_files import FACE_COLUMNS
from emorec.types import Box, Face, Landmarks

LANDMARKS = Landmarks((1.234, 2), (3, 4), (5, 6), (7, 8), (9, 10.5))


def test_a_manifest_without_the_columns_has_no_rows():
    assert face_rows({}) is None
    assert face_rows({"path": ["a.png"], "x": ["1"]}) is None
    assert images_apart({}) is None


def test_the_cells_of_a_face_are_in_the_order_of_the_columns():
    row = cut_row("a/b.jpg", Face(Box(-1, 2, 30, 40), "yunet", 0.91234567, LANDMARKS))
    cells = dict(zip(FACE_COLUMNS, row.values, strict=True))
    assert cells["source_image"] == "a/b.jpg"
    assert [cells[name] for name in ("face", "source_label")] == [CUT, ""]
    assert [cells[name] for name in ("x", "y", "width", "height")] == ["-1", "2", "30", "40"]
    assert [cells[name] for name in ("detector", "detector_score")] == ["yunet", "0.912346"]
    assert [cells[name] for name in ("right_eye_x", "left_mouth_y")] == ["1.23", "10.50"]


@pytest.mark.parametrize(
    "row",
    [
        None,
        FaceRow(WHOLE, "a.png"),
        FaceRow(MISSING, "a.png", "happy"),
        FaceRow(SEVERAL, "a.png", ""),
        cut_row("a.jpg", Face(Box(1, 2, 3, 4), "boxes", 1.0)),
        cut_row("a.jpg", Face(Box(1, 2, 3, 4), "yunet", 0.5, LANDMARKS)),
    ],
)
def test_rows_are_read_as_they_were_written(row: FaceRow | None):
    values = row.values if row else ("",) * len(FACE_COLUMNS)
    columns = {name: [value] for name, value in zip(FACE_COLUMNS, values, strict=True)}
    assert face_rows(columns) == [row]
    assert bool(row and row.is_apart) == (row is not None and row.state in (MISSING, SEVERAL))


def test_missing_columns_are_empty():
    assert face_rows({"face": ["cut"]}) == [FaceRow(CUT, "")]


def test_images_without_a_single_face_are_apart():
    apart = images_apart({"face": [CUT, MISSING, "", SEVERAL, WHOLE]})
    assert apart is not None
    assert apart.tolist() == [False, True, False, True, False]
