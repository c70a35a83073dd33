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
    group_lines,
)
from emorec.outputs.text_writer import TextWriter
from emorec.table_cells import plain_cell, safe_cell

FRAME_COLUMNS = ("source", "frame", "time_s", "width", "height", "status")
FACE_COLUMNS = (
    *("face", "id", "x", "y", "box_width", "box_height", "detector", "detector_score"),
    *("emotion", "confidence", "uncertain"),
)


class CsvWriter(TextWriter):
    """One face a line; an image without faces has one line with empty face columns.

    Args:
        target: The file, or "-" for standard output.
        labels: The emotions reported; each has a column with its probability.
        resume: Append to an existing file.
    """

    def __init__(self, target: str, labels: Sequence[str], resume: bool = False) -> None:
        super().__init__(target, resume)
        self._labels = labels

    def _begin(self) -> None:
        self.write(_header(self._labels))

    def add(self, record: Record) -> None:
        """Write all lines of an image or frame at once; see `RecordWriter.add`."""
        start = [escaped_name(record["source"]), *(record[name] for name in FRAME_COLUMNS[1:])]
        lines = [
            _csv_line([*start, number, *self._face_cells(face)])
            for number, face in enumerate(record["faces"], 1)
        ]
        empty = [None] * (len(FACE_COLUMNS) + len(self._labels))
        self.write("".join(lines) or _csv_line([*start, *empty]))

    def _face_cells(self, face: dict[str, Any]) -> list[object]:
        known = ("detector", "detector_score", "emotion", "confidence")
        return [
            face["id"],
            *face["box"],
            *(face[name] for name in known),
            str(face["uncertain"]).lower(),
            *(face["probabilities"][label] for label in self._labels),
        ]


def csv_groups(path: Path, labels: Sequence[str]) -> list[SourceGroup]:
    """Read the groups of lines that an interrupted run has written; see `RecordFormat`.

    Raises:
        DataError: The file is not of this kind, or has other columns.
    """
    lines = complete_lines(path)
    header = _header(labels).encode()
    if lines and lines[0] + b"\n" != header:
        raise DataError(
            f"{path}: its columns are not those of this run; resume with the same model and options"
        )
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


def _header(labels: Sequence[str]) -> str:
    """Return the line of column names, with its line end."""
    return _csv_line([*FRAME_COLUMNS, *FACE_COLUMNS, *labels])


def _csv_line(cells: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(
        [safe_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    )
    return line.getvalue()
