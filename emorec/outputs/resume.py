"""Finds out what a killed run had done, from the JSON lines or the CSV that it left.

A file is a row of groups, one for each source, in the order of the sources. The last group may lack
some of its lines, so it is taken off and done again; so is a torn last line. Where there are two
files, both are brought to the same number of groups.
"""

import csv
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emorec.errors import DataError
from emorec.media.sources import MediaSource
from emorec.outputs.formats import FACE_COLUMNS, FRAME_COLUMNS, csv_header, csv_name
from emorec.outputs.records import SCHEMA_VERSION


@dataclass(frozen=True)
class _Group:
    """What a file has about one source.

    Attributes:
        name: The source, as `csv_name` writes it.
        end: Where the group ends in the file, in bytes.
        failed: It could not be read.
    """

    name: str
    end: int
    failed: bool


def resume(
    sources: Sequence[MediaSource], jsonl: Path | None, csv_file: Path | None, labels: Sequence[str]
) -> tuple[list[MediaSource], bool]:
    """Cut the files back to what is surely done, and say what is left.

    Args:
        sources: All sources, in the order of the killed run.
        jsonl: The JSON lines; None if there are none. A file that is not there holds nothing.
        csv_file: Likewise the CSV.
        labels: The emotions reported, which the CSV must have as columns.

    Returns:
        The sources left, in order, and whether one of the others could not be read.

    Raises:
        DataError: A file is of another kind or schema, or cannot be written.
    """
    files = [(path, _jsonl_groups(path)) for path in [jsonl] if path]
    files += [(path, _csv_groups(path, labels)) for path in [csv_file] if path]
    whole = max(min(len(groups) for _, groups in files) - 1, 0)
    for path, groups in files:
        if path.exists():
            _cut(path, groups[whole - 1].end if whole else 0)
    kept = files[0][1][:whole]
    done = Counter(group.name for group in kept)
    left = []
    for source in sources:
        name = csv_name(source.name)
        if done[name]:
            done[name] -= 1
        else:
            left.append(source)
    return left, any(group.failed for group in kept)


def _lines(path: Path) -> list[bytes]:
    """Read the whole lines of a file, without their ends."""
    try:
        return path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(f"{path}: cannot resume from it: {error.strerror or error}") from error


def _jsonl_groups(path: Path) -> list[_Group]:
    groups = _Groups(path)
    for line in _lines(path):
        try:
            record = json.loads(line)
            found, frame = record["schema_version"], record["frame"]
            order = (-1 if frame is None else int(frame), 0)
            groups.add(line, csv_name(record["source"]), order, record["status"])
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise groups.error() from error
        if found != SCHEMA_VERSION:
            raise DataError(
                f"{path}: schema version {found}; this emorec goes on with {SCHEMA_VERSION} alone"
            )
    return groups.found


def _csv_groups(path: Path, labels: Sequence[str]) -> list[_Group]:
    lines = _lines(path)
    header = csv_header(labels).encode()
    if lines and lines[0] + b"\n" != header:
        raise DataError(f"{path}: its columns are not those of this run; resume with the same one")
    groups = _Groups(path, len(header))
    for line in lines[1:]:
        try:
            (cells,) = csv.reader([line.decode("utf-8")])
            row = dict(zip((*FRAME_COLUMNS, *FACE_COLUMNS), cells, strict=False))
            order = (int(row["frame"] or -1), int(row["face"] or 0))
            groups.add(line, row["source"], order, row["status"])
        except (ValueError, KeyError, csv.Error) as error:
            raise groups.error() from error
    return groups.found


class _Groups:
    """Puts lines together that are about one source."""

    def __init__(self, path: Path, end: int = 0) -> None:
        self.found: list[_Group] = []
        self._path = path
        self._end = end
        self._order = (-1, -1)

    def add(self, line: bytes, name: str, order: tuple[int, int], status: str) -> None:
        """Take a line; `order` grows from line to line of one source: frame, then face."""
        self._end += len(line) + 1
        if self.found and self.found[-1].name == name and order > self._order:
            self.found.pop()
        self.found.append(_Group(name, self._end, status == "unreadable"))
        self._order = order

    def error(self) -> DataError:
        """Tell that the line after those taken is no line of ours."""
        return DataError(
            f"{self._path}: after {self._end} bytes comes a line that emorec detect did not write"
        )


def _cut(path: Path, size: int) -> None:
    try:
        os.truncate(path, size)
    except OSError as error:
        raise DataError(f"{path}: cannot resume in it: {error.strerror or error}") from error
