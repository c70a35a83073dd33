"""Groups the lines of a record file by source, to find where an interrupted run stopped.

Lines and groups are read one by one, as the file of a large collection does not fit into memory.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from emorec.errors import DataError

MAX_LINE_BYTES = 2**26
"""Longer lines are not records: 50,000 faces in one image take half of it."""


@dataclass(frozen=True, slots=True)
class SourceGroup:
    """The lines that a file holds about one source.

    Attributes:
        name: The source, as `escaped_name` writes it.
        end: Offset of the end of the group in the file, in bytes.
        failed: The source could not be read.
    """

    name: str
    end: int
    failed: bool


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """The part of a line that groups are made from.

    Attributes:
        name: The source, as `escaped_name` writes it.
        order: Number of the frame and of the face: grows from line to line of one source.
        status: Status of the record.
    """

    name: str
    order: tuple[int, int]
    status: str


def escaped_name(source: str) -> str:
    """Return a name as one line of valid UTF-8: line breaks and stray bytes become escapes."""
    text = source.replace("\n", "\\n").replace("\r", "\\r")
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def complete_lines(path: Path) -> Iterator[bytes]:
    """Yield the complete lines of a file, without their line ends; none if it does not exist.

    Raises:
        DataError: The file cannot be read, or a line is longer than `MAX_LINE_BYTES`.
    """
    try:
        with path.open("rb") as file:
            while (line := file.readline(MAX_LINE_BYTES)).endswith(b"\n"):
                yield line[:-1]
    except FileNotFoundError:
        return
    except OSError as error:
        raise DataError(f"{path}: cannot resume from it: {error.strerror or error}") from error
    if len(line) == MAX_LINE_BYTES:
        raise DataError(
            f"{path}: a line is longer than {MAX_LINE_BYTES // 2**20} MiB; resume from the file of "
            "the interrupted run"
        )


def old_schema_note(path: str | os.PathLike[str], version: int) -> str:
    """Describe that a file is continued in the schema version in which it was begun."""
    return f"{path}: continued in its schema version {version}, which has no landmarks"


def first_line(path: Path) -> bytes | None:
    """Read the first line of a file with its line end; None if the file does not exist or is empty.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            line = file.readline(MAX_LINE_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"{path}: cannot resume from it: {error.strerror or error}") from error
    return line if line.endswith(b"\n") else None


def group_lines(
    path: Path, lines: Iterable[bytes], parse: Callable[[bytes], ParsedLine], start: int = 0
) -> Iterator[SourceGroup]:
    """Group consecutive lines about one source.

    Args:
        path: The file, for messages.
        lines: Its lines, without their line ends; consumed as they are needed.
        parse: Parses a line; ValueError, TypeError, KeyError, AttributeError or RecursionError mean
            that emorec did not write it.
        start: Offset of the first line in the file, in bytes.

    Yields:
        The groups, in order.

    Raises:
        DataError: `parse` rejects a line.
    """
    group: SourceGroup | None = None
    end, last_order = start, (-1, -1)
    for line in lines:
        try:
            parsed = parse(line)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise DataError(
                f"{path}: emorec detect did not write the line after byte {end}; resume from the "
                "file of the interrupted run"
            ) from error
        end += len(line) + 1
        same = group is not None and group.name == parsed.name and parsed.order > last_order
        if group is not None and not same:
            yield group
        group = SourceGroup(parsed.name, end, parsed.status == "unreadable")
        last_order = parsed.order
    if group is not None:
        yield group
