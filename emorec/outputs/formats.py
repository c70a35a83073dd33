"""Lists the formats of records: the table that the command line draws its options from.

To add a format, write a module with its writer and add a row here.
"""

import os
from pathlib import Path

from emorec.errors import ConfigError
from emorec.outputs.base import STDOUT, RecordFormat, RecordWriter, ReportingModel
from emorec.outputs.csv_format import CsvWriter, csv_groups
from emorec.outputs.json_format import JsonWriter
from emorec.outputs.jsonl_format import JsonLinesWriter, jsonl_groups
from emorec.suffixes import suffix_problem

FORMATS = {
    row.name: row
    for row in (
        RecordFormat(
            "json",
            "Write the results as one JSON document, at the end of the run",
            lambda target, model, resume: JsonWriter(
                target, model.metadata, model.labels, model.settings
            ),
        ),
        RecordFormat(
            "jsonl",
            "Write the results as JSON lines, one image or frame a line, during the run",
            lambda target, model, resume: JsonLinesWriter(target, resume),
            suffixes=(".jsonl", ".ndjson"),
            read_groups=jsonl_groups,
        ),
        RecordFormat(
            "csv",
            "Write the results as CSV, one face a line, during the run",
            lambda target, model, resume: CsvWriter(target, model.labels, resume),
            read_groups=csv_groups,
        ),
    )
}
"""By name, in the order of `emorec detect --help`."""


def record_format(name: str) -> RecordFormat:
    """Return a format by its name.

    Raises:
        ConfigError: There is no format of that name.
    """
    try:
        return FORMATS[name]
    except KeyError:
        raise ConfigError(
            f"unknown output format {name!r}; known formats: {', '.join(FORMATS)}"
        ) from None


def open_writer(
    name: str, target: str | os.PathLike[str], model: ReportingModel, resume: bool = False
) -> RecordWriter:
    """Make the writer of a format; use it in a `with` block.

    Args:
        name: A name of `FORMATS`.
        target: The file, or "-" for standard output.
        model: The `EmotionRecognizer` whose results are written.
        resume: Append to an existing file; only for formats that resume.

    Raises:
        ConfigError: There is no format of that name, it cannot print or it cannot resume, or the
            suffix of the target belongs to another format.
    """
    row, path = record_format(name), os.fspath(target)
    if path == STDOUT and not row.prints:
        raise ConfigError(f"the output format {name} needs a file; it cannot go to {STDOUT}")
    if resume and not row.resumes:
        raise ConfigError(f"a run cannot be resumed from its {name} file")
    if path != STDOUT and (problem := suffix_problem(Path(path), row.usual_suffixes)):
        raise ConfigError(f"the output format {name}: {problem}")
    return row.make_writer(path, model, resume)
