"""Reads CSV files of labels and votes as text, with errors that name the row."""

import codecs
import csv
import gzip
import io
import itertools
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from emorec.datasets.prepared_files import MANIFEST
from emorec.datasets.readers.image_files import FileImage, RawImage
from emorec.errors import DataError
from emorec.labels import Votes

MAX_VOTES = 1000
"""Largest count of a single vote column."""

MAX_BYTES = 256 * 2**20
"""Largest size in bytes, checked before reading; lists of images take a few MiB."""

MAX_LIST_BYTES = 2**30
"""Largest size in bytes of a list that is read line by line."""

MAX_ROWS = 2_000_000

MAX_LINE = 2**16
"""Largest length of a pixel row or header in bytes; 2,304 numbers of three digits take 9 KiB."""

DELIMITERS = ",;\t"
"""Delimiters of CSV files; the header decides."""

_BYTE_ORDER_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

UNPACKING_ERRORS = (OSError, EOFError, zlib.error, UnicodeError)
"""Errors of reading a damaged .gz file, or damaged UTF-16."""


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


def read_column(root: Path, name: str) -> dict[Path, str] | None:
    """Read a column of a data set's manifest.

    Returns:
        The value for each image file; None without a manifest or such a column.

    Raises:
        DataError: The manifest cannot be read.
    """
    manifest = root / MANIFEST
    if not manifest.exists():
        return None
    columns = read_table(manifest, ("path",)).columns
    if name not in columns:
        return None
    return dict(zip((root / path for path in columns["path"]), columns[name], strict=True))


def parse_table(
    file: RawImage, required: Sequence[str], header: Sequence[str] | None = None
) -> LabelTable:
    """Read a CSV file; blank lines are skipped.

    Args:
        file: The file, UTF-8 or UTF-16 with or without a byte order mark, separated by commas,
            semicolons or tabs; gzip-compressed if its name ends in .gz.
        required: Names of required columns.
        header: Column names of a file without a header line; None reads the header line.

    Raises:
        DataError: The file is missing, empty, neither UTF-8 nor UTF-16, not CSV, or lacks a
            required column.
    """
    path = file.location
    rows: list[list[str]] = []
    lines: list[int] = []
    content = _content(file)
    delimiter = find_delimiter(_decoded_line(content[:MAX_LINE].lstrip().partition(b"\n")[0]))
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    try:
        reader = csv.reader(text, strict=True, delimiter=delimiter)
        for row in reader:
            if row:
                rows.append(row)
                lines.append(reader.line_num)
                if len(rows) > MAX_ROWS:
                    raise DataError(f"{path}: over {MAX_ROWS:,} rows")
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a CSV file in UTF-8 or UTF-16 ({error})") from error
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


def text_lines(file: RawImage) -> Iterator[tuple[int, str]]:
    """Read the lines of a text file one by one, with their numbers from 1; blank ones are skipped.

    Args:
        file: The file; see `open_unpacked`.

    Raises:
        DataError: The file is missing, neither UTF-8 nor UTF-16, or it or a line is too long.
    """
    path, size, rows = file.location, 0, 0
    with open_unpacked(file) as stream:
        for number in itertools.count(1):
            try:
                line = stream.readline(MAX_LINE + 1)
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UNPACKING_ERRORS as error:
                raise DataError(f"{path}: cannot read line {number}: {error}") from error
            if not line:
                return
            size += len(line)
            rows += bool(text)
            if len(line) > MAX_LINE or size > MAX_LIST_BYTES or rows > MAX_ROWS:
                raise DataError(
                    f"{path}: line {number}: a list has at most {MAX_LINE // 2**10} KiB in a line, "
                    f"{MAX_ROWS:,} lines and {MAX_LIST_BYTES // 2**30} GiB"
                )
            if text:
                yield number, text


def parse_words(file: RawImage, header: Sequence[str]) -> LabelTable:
    """Read a text file of lines whose values are separated by blanks.

    Args:
        file: The file; see `text_lines`.
        header: Names of the columns; values of the first one may hold blanks.

    Raises:
        DataError: The file cannot be read, is empty, or a line has another number of values.
    """
    lines, rows = [], []
    for number, text in text_lines(file):
        row = text.rsplit(maxsplit=len(header) - 1)
        if len(row) != len(header):
            raise DataError(
                f"{file.location}: line {number} must have the {len(header)} values "
                f"{' '.join(header)}; received {text!r:.80}"
            )
        lines.append(number)
        rows.append(row)
    if not rows:
        raise DataError(f"{file.location}: the file is empty")
    columns = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))
    return LabelTable(file.location, columns, lines)


def open_unpacked(file: RawImage) -> BinaryIO:
    """Open a file for reading as bytes of UTF-8.

    A file whose name ends in .gz is decompressed, and UTF-16 is converted.
    """
    with _decompressed(file) as stream:
        try:
            head = stream.read(4)
        except UNPACKING_ERRORS as error:
            raise DataError(f"{file.location}: cannot read: {error}") from error
    encoding = _BYTE_ORDER_MARKS.get(head[:2])
    if encoding is None and len(head) == 4:
        # Without a byte order mark, every other byte of Latin letters is 0.
        encoding = {(1, 0, 1, 0): "utf-16-le", (0, 1, 0, 1): "utf-16-be"}.get(
            cast(tuple[int, int, int, int], tuple(int(byte > 0) for byte in head))
        )
    stream = _decompressed(file)
    if encoding is None:
        return stream
    return cast(BinaryIO, codecs.EncodedFile(stream, "utf-8", encoding))


def _decompressed(file: RawImage) -> BinaryIO:
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
    text = _decoded_line(line)
    return [name.strip(' \t\r\n"').lower() for name in text.split(find_delimiter(text))]


def _decoded_line(line: bytes) -> str:
    return line.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")


def find_delimiter(header: str) -> str:
    """Return the delimiter that splits a header line, without its quoted parts, most often."""
    plain = re.sub('"[^"]*"', "", header)
    return max(DELIMITERS, key=plain.count)


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
