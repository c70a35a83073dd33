"""Writes and reads back CSV: one face a line, an image or frame without faces as one line."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emorec.errors import DataError
from emorec.outputs.records import Record
from emorec.outputs.source_groups import (
    ParsedLine,
    SourceGroup,
    complete_lines,
    escaped_name,
    first_line,
    group_lines,
    old_schema_note,
)
from emorec.outputs.text_writer import TextWriter
from emorec.table_cells import plain_cell, safe_cell
from emorec.types import LANDMARK_NAMES

FRAME_COLUMNS = ("source", "frame", "time_s", "width", "height", "status")
BOX_COLUMNS = ("x", "y", "box_width", "box_height")
LANDMARK_COLUMNS = tuple(f"{name}_{axis}" for name in LANDMARK_NAMES for axis in "xy")
FACE_COLUMNS = (
    *("face", "id", *BOX_COLUMNS, "detector", "detector_score"),
    *("emotion", "confidence", "uncertain", *LANDMARK_COLUMNS),
)


class CsvWriter(TextWriter):
    """One face a line; an image without faces has one line with empty face columns.

    A file without columns of landmarks, of schema version 2, is continued without them.

    Args:
        target: The file, or "-" for standard output.
        labels: The emotions reported; each has a column with its probability.
        resume: Append to an existing file.
    """

    def __init__(self, target: str, labels: Sequence[str], resume: bool = False) -> None:
        super().__init__(target, resume)
        self._labels = labels
        old = resume and first_line(Path(target)) == _header(labels, with_landmarks=False).encode()
        self._with_landmarks = not old
        if old:
            self.note = old_schema_note(target, 2)

    def _begin(self) -> None:
        self.write(_header(self._labels, self._with_landmarks))

    def add(self, record: Record) -> None:
        """Write all lines of an image or frame at once; see `RecordWriter.add`."""
        start = [escaped_name(record["source"]), *(record[name] for name in FRAME_COLUMNS[1:])]
        rows = [
            self._face_cells(number, face) for number, face in enumerate(record["faces"], 1)
        ] or [[None] * (len(_face_columns(self._with_landmarks)) + len(self._labels))]
        self.write("".join(_csv_line([*start, *row]) for row in rows))

    def _face_cells(self, number: int, face: dict[str, Any]) -> list[object]:
        cells = {**face, "face": number, "uncertain": str(face["uncertain"]).lower()}
        cells.update(zip(BOX_COLUMNS, face["box"], strict=True))
        for name, (x, y) in (face["landmarks"] or {}).items():
            cells |= {f"{name}_x": x, f"{name}_y": y}
        return [
            *(cells.get(name) for name in _face_columns(self._with_landmarks)),
            *(face["probabilities"][label] for label in self._labels),
        ]


def csv_groups(path: Path, labels: Sequence[str]) -> list[SourceGroup]:
    """Read the groups of lines that an interrupted run has written; see `RecordFormat`.

    Raises:
        DataError: The file is not of this kind, or has other columns.
    """
    lines = complete_lines(path)
    headers = [_header(labels, with_landmarks).encode() for with_landmarks in (True, False)]
    if lines and lines[0] + b"\n" not in headers:
        raise DataError(
            f"{path}: its columns are not those of this run; resume with the same model and options"
        )
    header = lines[0] + b"\n" if lines else b""
    return group_lines(path, lines[1:], _parse, len(header))


def _parse(line: bytes) -> ParsedLine:
    try:
        (cells,) = csv.reader([line.decode("utf-8")])
    except csv.Error as error:
        raise ValueError(str(error)) from error
    row = dict(zip((*FRAME_COLUMNS, *FACE_COLUMNS), cells, strict=False))
    return ParsedLine(
        plain_cell(row["source"]), (int(row["frame"] or -1), int(row["face"] or 0)), row["status"]
    )


def _header(labels: Sequence[str], with_landmarks: bool = True) -> str:
    """Return the line of column names, with its line end."""
    return _csv_line([*FRAME_COLUMNS, *_face_columns(with_landmarks), *labels])


def _face_columns(with_landmarks: bool) -> list[str]:
    return [name for name in FACE_COLUMNS if with_landmarks or name not in LANDMARK_COLUMNS]


def _csv_line(cells: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(
        [safe_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    )
    return line.getvalue()
