"""Groups the lines of a record file by source, to find where an interrupted run stopped."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from emorec.errors import DataError


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


def complete_lines(path: Path) -> list[bytes]:
    """Read the complete lines of a file, without their line ends; none if it does not exist.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        return path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(f"{path}: cannot resume from it: {error.strerror or error}") from error


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
            line = file.readline()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"{path}: cannot resume from it: {error.strerror or error}") from error
    return line if line.endswith(b"\n") else None


def group_lines(
    path: Path, lines: Iterable[bytes], parse: Callable[[bytes], ParsedLine], start: int = 0
) -> list[SourceGroup]:
    """Group consecutive lines about one source.

    Args:
        path: The file, for messages.
        lines: Its lines, without their line ends.
        parse: Parses a line; ValueError, TypeError, KeyError, AttributeError or RecursionError mean
            that emorec did not write it.
        start: Offset of the first line in the file, in bytes.

    Raises:
        DataError: `parse` rejects a line.
    """
    groups: list[SourceGroup] = []
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
        if groups and groups[-1].name == parsed.name and parsed.order > last_order:
            groups.pop()
        groups.append(SourceGroup(parsed.name, end, parsed.status == "unreadable"))
        last_order = parsed.order
    return groups
