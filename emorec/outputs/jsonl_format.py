"""Writes and reads back JSON lines: the record of one image or frame a line."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from emorec.errors import DataError
from emorec.outputs.records import (
    RESUMABLE_VERSIONS,
    SCHEMA_VERSION,
    Record,
    record_of_version,
)
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
from emorec.short_repr import short_repr


class JsonLinesWriter(TextWriter):
    """One record a line, with the schema's version.

    A file of an earlier version is continued in that version, so that all its lines are alike.

    Args:
        target: The file, or "-" for standard output.
        resume: Append to an existing file.
    """

    def __init__(self, target: str, resume: bool = False) -> None:
        super().__init__(target, resume)
        self._version = _version_of(Path(target)) if resume else SCHEMA_VERSION
        if self._version != SCHEMA_VERSION:
            self.note = old_schema_note(target, self._version)

    def add(self, record: Record) -> None:
        """Write one line; see `RecordWriter.add`."""
        line = {"schema_version": self._version, **record_of_version(record, self._version)}
        self.write(json.dumps(line, allow_nan=False) + "\n")


def jsonl_groups(path: Path, labels: Sequence[str]) -> Iterator[SourceGroup]:
    """Read the groups of lines that an interrupted run has written; see `RecordFormat`.

    Raises:
        DataError: The file is not of this kind or schema.
    """

    def parse(line: bytes) -> ParsedLine:
        record = json.loads(line)
        version, frame = record["schema_version"], record["frame"]
        order = (-1 if frame is None else int(frame), 0)
        parsed = ParsedLine(escaped_name(record["source"]), order, record["status"])
        if version not in RESUMABLE_VERSIONS:
            known = " and ".join(map(str, RESUMABLE_VERSIONS))
            raise DataError(
                f"{path}: schema version {short_repr(version)}; files of versions {known} can be "
                "resumed, so process all images again without --resume"
            )
        return parsed

    return group_lines(path, complete_lines(path), parse)


def _version_of(path: Path) -> int:
    """Return the schema version of a file, or the current one if that cannot be continued."""
    try:
        version = json.loads(first_line(path) or b"{}").get("schema_version")
    except (ValueError, AttributeError, RecursionError):  # `jsonl_groups` reports such files
        version = None
    return int(version) if version in RESUMABLE_VERSIONS else SCHEMA_VERSION
