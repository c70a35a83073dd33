"""Finds where an interrupted run stopped, from the record files that it has left.

A file is a sequence of groups, one for each source, in the order of the sources. The last group may
be incomplete, so it is removed and its source processed again; so is a torn last line. Several
files are all cut to the same number of groups. The files are read side by side, group by group, so
that the memory does not grow with them.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from pathlib import Path

from emorec.errors import ConfigError, DataError
from emorec.media.sources import MediaSource
from emorec.outputs.formats import record_format
from emorec.outputs.source_groups import SourceGroup, escaped_name


def resume(
    sources: Sequence[MediaSource], files: Mapping[str, Path], labels: Sequence[str]
) -> tuple[list[MediaSource], bool]:
    """Cut record files to their complete groups and return the sources that remain.

    Args:
        sources: All sources, in the order of the interrupted run.
        files: The files by the name of their format, at least one. A missing file is empty.
        labels: The emotions reported, which a CSV file must have as columns.

    Returns:
        The remaining sources, in order, and whether one of the others could not be read.

    Raises:
        ConfigError: There is no file, or no run can be resumed from its format.
        DataError: A file is of another kind or schema, or cannot be written.
    """
    if not files:
        raise ConfigError("resuming needs a record file of the interrupted run")
    ends = dict.fromkeys(files.values(), 0)
    matcher = _Matcher(sources)
    failed = False
    for row in _complete(*(_groups(name, path, labels) for name, path in files.items())):
        ends = dict(zip(files.values(), (group.end for group in row), strict=True))
        matcher.remove(row[0].name)
        failed = failed or row[0].failed
    for path, end in ends.items():
        if path.exists():
            _cut(path, end)
    return list(matcher.remaining()), failed


def _complete(*files: Iterable[SourceGroup]) -> Iterator[tuple[SourceGroup, ...]]:
    """Yield the groups that all files have, side by side, except the last ones.

    The rest of a longer file is read too: it may be a file of another kind, which must not be cut.
    """
    previous: tuple[SourceGroup, ...] | None = None
    for row in zip_longest(*files):
        if None in row:
            continue
        if previous is not None:
            yield previous
        previous = row


class _Matcher:
    """Removes sources that are done, by name.

    They are usually the first ones, in order; only the names of others are held in memory.

    Args:
        sources: All sources.
    """

    def __init__(self, sources: Sequence[MediaSource]) -> None:
        self._sources = sources
        self._begin = 0
        self._others: Counter[str] = Counter()

    def remove(self, name: str) -> None:
        """Remove the first source of a name, as `escaped_name` writes it."""
        if self._begin < len(self._sources) and name == escaped_name(
            self._sources[self._begin].name
        ):
            self._begin += 1
        else:
            self._others[name] += 1

    def remaining(self) -> Iterator[MediaSource]:
        """Yield the sources that remain; once only."""
        for source in islice(self._sources, self._begin, None):
            name = escaped_name(source.name)
            if self._others[name]:
                self._others[name] -= 1
            else:
                yield source


def _groups(name: str, path: Path, labels: Sequence[str]) -> Iterator[SourceGroup]:
    read_groups = record_format(name).read_groups
    if read_groups is None:
        raise ConfigError(f"a run cannot be resumed from its {name} file {path}")
    return read_groups(path, labels)


def _cut(path: Path, size: int) -> None:
    try:
        os.truncate(path, size)
    except OSError as error:
        raise DataError(f"{path}: cannot resume in it: {error.strerror or error}") from error
