"""Writes records as they come: a JSON document, JSON lines or CSV.

A sink is a context manager that takes one record after another, in the order of the inputs, from
whatever made them. Lines are flushed one by one, so that a killed run leaves whole lines. A JSON
document appears as a whole at the end, also where Ctrl-C or an error brings the end early.

Pictures are written where the pixels are, by `media.pictures`, never by a sink.
"""

import csv
import io
import json
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

from emorec import __version__
from emorec.atomic_files import written_whole
from emorec.errors import DataError
from emorec.metadata import ModelMetadata
from emorec.outputs.records import SCHEMA_VERSION, Record

STDOUT = "-"


class RecordWriter(AbstractContextManager["RecordWriter"], Protocol):
    """Takes records, one after another."""

    def add(self, record: Record) -> None:
        """Take the next record.

        Raises:
            DataError: It cannot be written.
        """
        ...

    def add_video(self, summary: Record) -> None:
        """Take the summary of a video, after its frames; only documents have a place for it."""
        ...


class _TextSink:
    """A file, or standard output, to which text is added and flushed."""

    def __init__(self, target: str, resume: bool = False) -> None:
        self._target = target
        self._mode = "a" if resume else "w"
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        if self._target == STDOUT:
            self._file = sys.stdout
        else:
            try:
                self._file = Path(self._target).open(self._mode, encoding="utf-8", newline="")
            except OSError as error:
                raise self._error(error) from error
        if self._file is sys.stdout or self._file.tell() == 0:
            self._begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None and self._target != STDOUT:
            try:
                self._file.close()
            except OSError as closing:
                raise self._error(closing) from closing

    def add_video(self, summary: Record) -> None:
        """Leave it out; see `RecordWriter.add_video`."""

    def _begin(self) -> None:
        pass

    def _write(self, text: str) -> None:
        assert self._file is not None, "a sink is used within its with block"
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            if self._target == STDOUT:
                raise  # the reader of a pipe went away
            raise self._error(error) from error

    def _error(self, error: OSError) -> DataError:
        return DataError(f"{self._target}: cannot write: {error.strerror or error}")


class JsonLinesWriter(_TextSink):
    """One record a line, with the schema's version.

    Args:
        target: The file, or "-" for standard output.
        resume: Add to the file that is there.
    """

    def add(self, record: Record) -> None:
        """Write a line; see `RecordWriter.add`."""
        line = {"schema_version": SCHEMA_VERSION, **record}
        self._write(json.dumps(line, allow_nan=False) + "\n")


FRAME_COLUMNS = ("source", "frame", "time_s", "width", "height", "status")
FACE_COLUMNS = (
    *("face", "id", "x", "y", "box_width", "box_height", "detector", "detector_score"),
    *("emotion", "confidence", "uncertain"),
)


class CsvWriter(_TextSink):
    """One face a line; a picture without faces has one line with the face's columns empty.

    Args:
        target: The file, or "-" for standard output.
        labels: The emotions reported; each has a column with its probability.
        resume: Add to the file that is there.
    """

    def __init__(self, target: str, labels: Sequence[str], resume: bool = False) -> None:
        super().__init__(target, resume)
        self._labels = labels

    def _begin(self) -> None:
        self._write(csv_header(self._labels))

    def add(self, record: Record) -> None:
        """Write the lines of a picture or frame at once; see `RecordWriter.add`."""
        start = [csv_name(record["source"]), *(record[name] for name in FRAME_COLUMNS[1:])]
        lines = [
            _csv_line([*start, number, *self._face_cells(face)])
            for number, face in enumerate(record["faces"], 1)
        ]
        empty = [None] * (len(FACE_COLUMNS) + len(self._labels))
        self._write("".join(lines) or _csv_line([*start, *empty]))

    def _face_cells(self, face: dict[str, Any]) -> list[object]:
        known = ("detector", "detector_score", "emotion", "confidence")
        return [
            face["id"],
            *face["box"],
            *(face[name] for name in known),
            str(face["uncertain"]).lower(),
            *(face["probabilities"][label] for label in self._labels),
        ]


def csv_header(labels: Sequence[str]) -> str:
    """Give the first line of the CSV, with its end."""
    return _csv_line([*FRAME_COLUMNS, *FACE_COLUMNS, *labels])


def csv_name(source: str) -> str:
    """Write a name so that it stays on one line and is UTF-8: odd characters become escapes."""
    text = source.replace("\n", "\\n").replace("\r", "\\r")
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _csv_line(cells: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


class JsonWriter:
    """All records as one JSON document, written as they come and published at the end.

    Args:
        target: The file, or "-" for standard output.
        metadata: The model that was used.
        labels: The emotions reported.
    """

    def __init__(self, target: str, metadata: ModelMetadata, labels: Sequence[str]) -> None:
        self._target = target
        self._model = {"name": metadata.name, "version": metadata.version, "labels": list(labels)}
        self._stack = ExitStack()
        self._text: _TextSink | None = None
        self._count = 0
        self._videos: list[Record] = []

    def __enter__(self) -> Self:
        target = self._target
        if target != STDOUT:
            target = str(self._stack.enter_context(written_whole(Path(target))))
        self._text = self._stack.enter_context(_TextSink(target))
        head = {
            "schema_version": SCHEMA_VERSION,
            "emorec_version": __version__,
            "model": self._model,
            "images": [],
        }
        self._text._write(json.dumps(head, indent=2).removesuffix("]\n}"))
        return self

    def add(self, record: Record) -> None:
        """Write a record; see `RecordWriter.add`."""
        assert self._text is not None, "a sink is used within its with block"
        text = json.dumps(record, indent=2, allow_nan=False).replace("\n", "\n    ")
        self._text._write(("," if self._count else "") + "\n    " + text)
        self._count += 1

    def add_video(self, summary: Record) -> None:
        """Keep the summary of a video for the end; see `RecordWriter.add_video`."""
        self._videos.append(summary)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._stack:  # without the exception: what was done is published
            if self._text is not None:
                videos = json.dumps(self._videos, indent=2, allow_nan=False)
                end = "\n  ]" if self._count else "]"
                self._text._write(end + ',\n  "videos": ' + videos.replace("\n", "\n  ") + "\n}\n")
