import pytest
from helpers.example_records import LABELS, RECORDS

from emorec.outputs.record_table import FACE_COLUMNS, FRAME_COLUMNS, record_rows


def test_a_row_for_each_face():
    columns = [*FRAME_COLUMNS, *FACE_COLUMNS, *LABELS]
    first, second = (
        dict(zip(columns, row, strict=True)) for row in record_rows(RECORDS[0], LABELS)
    )
    assert (first["source"], first["status"], first["width"]) == ("a.jpg", "ok", 640)
    assert [row["face"] for row in (first, second)] == [1, 2]
    assert [first[name] for name in ("x", "y", "box_width", "box_height")] == [1, 2, 3, 4]
    assert (first["id"], first["nose_x"], first["uncertain"]) == (None, None, False)
    assert (second["id"], second["nose_x"], second["left_mouth_y"]) == (7, 6, 27.5)
    assert (second["emotion"], second["happy"], second["sad"]) == ("sad", 0.125, 0.875)


@pytest.mark.parametrize("record", RECORDS[1:3])
def test_without_faces_one_row(record):
    (row,) = record_rows(record, LABELS)
    assert row[: len(FRAME_COLUMNS)] == [record[name] for name in FRAME_COLUMNS]
    assert row[len(FRAME_COLUMNS) :] == [None] * (len(FACE_COLUMNS) + len(LABELS))


def test_chosen_columns_and_labels():
    rows = record_rows(RECORDS[0], ("sad", "other"), ("emotion", "x"))
    ends = [row[len(FRAME_COLUMNS) :] for row in rows]
    assert ends == [["happy", 1, 0.25, None], ["sad", -5, 0.875, None]]
