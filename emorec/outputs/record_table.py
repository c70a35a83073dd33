"""Flattens records to table rows: one face a row, an image or frame without faces as one row."""

from collections.abc import Sequence
from typing import Any

from emorec.outputs.records import Record
from emorec.types import LANDMARK_COLUMNS

FRAME_COLUMNS = ("source", "frame", "time_s", "width", "height", "status")
BOX_COLUMNS = ("x", "y", "box_width", "box_height")
FACE_COLUMNS = (
    *("face", "id", *BOX_COLUMNS, "detector", "detector_score"),
    *("emotion", "confidence", "uncertain", *LANDMARK_COLUMNS),
)
"""Columns of a face; `face` counts the faces of an image from 1."""


def record_rows(
    record: Record, labels: Sequence[str], face_columns: Sequence[str] = FACE_COLUMNS
) -> list[list[Any]]:
    """Flatten a record.

    Args:
        record: From `emorec.outputs.records.image_record`.
        labels: The emotions, whose probabilities are the last cells.
        face_columns: The columns of `FACE_COLUMNS` to include.

    Returns:
        One row for each face: the cells of `FRAME_COLUMNS`, `face_columns` and `labels`, None where
        there is no value. Without faces, one row whose cells after `FRAME_COLUMNS` are None.
    """
    frame = [record[name] for name in FRAME_COLUMNS]
    rows = []
    for number, face in enumerate(record["faces"], 1):
        cells = {**face, "face": number, **dict(zip(BOX_COLUMNS, face["box"], strict=True))}
        for name, (x, y) in (face["landmarks"] or {}).items():
            cells |= {f"{name}_x": x, f"{name}_y": y}
        probabilities = (face["probabilities"].get(label) for label in labels)
        rows.append([*frame, *(cells.get(name) for name in face_columns), *probabilities])
    return rows or [[*frame, *[None] * (len(face_columns) + len(labels))]]
