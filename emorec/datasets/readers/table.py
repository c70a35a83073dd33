"""Reads CSV files of labels and votes as text, with errors that name the row."""

import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from emorec.datasets.readers.image_files import FileImage, RawImage
from emorec.errors import DataError
from emorec.labels import Votes

MAX_VOTES = 1000
"""Largest count of a single vote column."""

MAX_BYTES = 256 * 2**20
"""Largest size in bytes, checked before reading; lists of images take a few MiB."""

MAX_ROWS = 2_000_000

MAX_LINE = 2**16
"""Largest length of a pixel row or header in bytes; 2,304 numbers of three digits take 9 KiB."""

UNPACKING_ERRORS = (OSError, EOFError, zlib.error)
"""Errors of reading a damaged .gz file."""


@dataclass(frozen=True)
class LabelTable:
    """The rows of a CSV file.

    Attributes:
        path: The file, for messages.
        columns: n values of each column by its name, without surrounding blanks.
        lines: Line number on which each row ends, counted from 1.
    """

    path: str
    columns: dict[str, list[str]]
    lines: list[int]


def read_table(path: Path, required: Sequence[str]) -> LabelTable:
    """Read a CSV file; see `parse_table`."""
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path}: not a regular file")
        status = path.stat()
    except OSError as error:
        raise DataError(f"{path}: cannot read: {error.strerror or error}") from error
    return parse_table(FileImage(str(path), status.st_size, status.st_mtime_ns), required)


def parse_table(
    file: RawImage, required: Sequence[str], header: Sequence[str] | None = None
) -> LabelTable:
    """Read a CSV file; blank lines are skipped.

    Args:
        file: The file, UTF-8 with or without a byte order mark; gzip-compressed if its name ends
            in .gz.
        required: Names of required columns.
        header: Column names of a file without a header line; None reads the header line.

    Raises:
        DataError: The file is missing, empty, not UTF-8, not CSV, or lacks a required column.
    """
    path = file.location
    rows: list[list[str]] = []
    lines: list[int] = []
    text = io.TextIOWrapper(io.BytesIO(_content(file)), encoding="utf-8-sig", newline="")
    try:
        reader = csv.reader(text, strict=True)
        for row in reader:
            if row:
                rows.append(row)
                lines.append(reader.line_num)
                if len(rows) > MAX_ROWS:
                    raise DataError(f"{path}: over {MAX_ROWS:,} rows")
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a CSV file in UTF-8 ({error})") from error
    if not rows:
        raise DataError(f"{path}: the file is empty")
    if header is None:
        header = [name.strip() for name in rows.pop(0)]
        lines.pop(0)
    for name in required:
        if header.count(name) != 1:
            state = "missing column" if name not in header else "more than one column"
            found = ", ".join(header)
            raise DataError(f"{path}: {state} {name!r}; found: {found!r:.300}")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(header):
            raise DataError(
                f"{path}: row {line} has {len(row)} values; the header names {len(header)} columns"
            )
    values = [[value.strip() for value in column] for column in zip(*rows, strict=True)]
    columns = dict(zip(header, values or [[] for _ in header], strict=True))
    return LabelTable(path, columns, lines)


def _content(file: RawImage) -> bytes:
    too_large = DataError(
        f"{file.location}: larger than {MAX_BYTES // 2**20} MiB, so not a list of images"
    )
    if file.size > MAX_BYTES:
        raise too_large
    with open_unpacked(file) as stream:
        try:
            data = stream.read(MAX_BYTES + 1)
        except UNPACKING_ERRORS as error:
            raise DataError(f"{file.location}: cannot read: {error}") from error
    if len(data) > MAX_BYTES:
        raise too_large
    return data


UNPACKING_ERRORS = (OSError, EOFError, zlib.error)
"""What reading a damaged .gz file raises."""


def open_unpacked(file: RawImage) -> BinaryIO:
    """Open a file for reading as bytes; a file whose name ends in .gz is decompressed."""
    stream = file.open()
    if file.location.lower().endswith(".gz"):
        return cast(BinaryIO, gzip.GzipFile(fileobj=stream))
    return stream


def header_of(file: RawImage) -> list[str]:
    """Return the lower-case column names of a CSV file, by its first line.

    Raises:
        DataError: The file cannot be read.
    """
    with open_unpacked(file) as stream:
        try:
            line = stream.readline(MAX_LINE)
        except UNPACKING_ERRORS as error:
            raise DataError(f"{file.location}: cannot read: {error}") from error
    return column_names(line)


def column_names(line: bytes) -> list[str]:
    """Split a header line into lower-case column names."""
    text = line.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    return [name.strip(' \t\r\n"').lower() for name in text.split(",")]


def vote_counts(table: LabelTable, columns: Sequence[str]) -> Votes:
    """Convert vote columns to counts, shape (n, 10), int64.

    Raises:
        DataError: A column is missing, or a value is not a whole number from 0 to `MAX_VOTES`.
    """
    known = {str(count): count for count in range(MAX_VOTES + 1)}
    votes = np.empty((len(table.lines), len(columns)), np.int64)
    for index, name in enumerate(columns):
        if name not in table.columns:
            raise DataError(f"{table.path}: missing column {name!r}")
        try:
            votes[:, index] = [known[value] for value in table.columns[name]]
        except KeyError as error:
            received = error.args[0]
            line = table.lines[table.columns[name].index(received)]
            raise DataError(
                f"{table.path}: row {line}, column {name!r}: a vote must be a whole number from 0 "
                f"to {MAX_VOTES}; received {received!r:.60}"
            ) from None
    return votes
