"""Finds where an interrupted run stopped, from the record files that it has left.

A file is a sequence of groups, one for each source, in the order of the sources. The last group may
be incomplete, so it is removed and its source processed again; so is a torn last line. Several
files are all cut to the same number of groups.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
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
    groups = {path: _groups(name, path, labels) for name, path in files.items()}
    complete = max(min(map(len, groups.values())) - 1, 0)
    for path, file_groups in groups.items():
        if path.exists():
            _cut(path, file_groups[complete - 1].end if complete else 0)
    kept = next(iter(groups.values()))[:complete]
    done = Counter(group.name for group in kept)
    remaining = []
    for source in sources:
        name = escaped_name(source.name)
        if done[name]:
            done[name] -= 1
        else:
            remaining.append(source)
    return remaining, any(group.failed for group in kept)


def _groups(name: str, path: Path, labels: Sequence[str]) -> list[SourceGroup]:
    read_groups = record_format(name).read_groups
    if read_groups is None:
        raise ConfigError(f"a run cannot be resumed from its {name} file {path}")
    return read_groups(path, labels)


def _cut(path: Path, size: int) -> None:
    try:
        os.truncate(path, size)
    except OSError as error:
        raise DataError(f"{path}: cannot resume in it: {error.strerror or error}") from error
