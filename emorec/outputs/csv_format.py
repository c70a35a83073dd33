"""Writes and reads back CSV: one face a line, an image or frame without faces as one line."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from emorec.errors import DataError
from emorec.outputs.record_table import FACE_COLUMNS, FRAME_COLUMNS, record_rows
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
from emorec.types import LANDMARK_COLUMNS


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
        named = {**record, "source": escaped_name(record["source"])}
        columns = _face_columns(self._with_landmarks)
        self.write("".join(map(_csv_line, record_rows(named, self._labels, columns))))


def csv_groups(path: Path, labels: Sequence[str]) -> Iterator[SourceGroup]:
    """Read the groups of lines that an interrupted run has written; see `RecordFormat`.

    Raises:
        DataError: The file is not of this kind, or has other columns.
    """
    lines = complete_lines(path)
    headers = [_header(labels, with_landmarks).encode() for with_landmarks in (True, False)]
    header = next(lines, None)
    if header is None:
        return
    if header + b"\n" not in headers:
        raise DataError(
            f"{path}: its columns are not those of this run; resume with the same model and options"
        )
    yield from group_lines(path, lines, _parse, len(header) + 1)


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
    csv.writer(line, lineterminator="\n").writerow(map(_csv_cell, cells))
    return line.getvalue()


def _csv_cell(cell: object) -> object:
    if isinstance(cell, bool):
        return str(cell).lower()
    return safe_cell(cell) if isinstance(cell, str) else cell
