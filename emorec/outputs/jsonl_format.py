"""Writes and reads back JSON lines: the record of one image or frame a line."""

import json
from collections.abc import Sequence
from pathlib import Path

from emorec.errors import DataError
from emorec.outputs.records import SCHEMA_VERSION, Record
from emorec.outputs.source_groups import (
    ParsedLine,
    SourceGroup,
    complete_lines,
    escaped_name,
    group_lines,
)
from emorec.outputs.text_writer import TextWriter


class JsonLinesWriter(TextWriter):
    """One record a line, with the schema's version.

    Args:
        target: The file, or "-" for standard output.
        resume: Append to an existing file.
    """

    def add(self, record: Record) -> None:
        """Write one line; see `RecordWriter.add`."""
        line = {"schema_version": SCHEMA_VERSION, **record}
        self.write(json.dumps(line, allow_nan=False) + "\n")


def jsonl_groups(path: Path, labels: Sequence[str]) -> list[SourceGroup]:
    """Read the groups of lines that an interrupted run has written; see `RecordFormat`.

    Raises:
        DataError: The file is not of this kind or schema.
    """

    def parse(line: bytes) -> ParsedLine:
        record = json.loads(line)
        version, frame = record["schema_version"], record["frame"]
        order = (-1 if frame is None else int(frame), 0)
        parsed = ParsedLine(escaped_name(record["source"]), order, record["status"])
        if version != SCHEMA_VERSION:
            raise DataError(
                f"{path}: schema version {version}; only files of version {SCHEMA_VERSION} can be "
                "resumed"
            )
        return parsed

    return group_lines(path, complete_lines(path), parse)
