"""Writes all records as one JSON document, which appears complete at the end of the run."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from emorec import __version__
from emorec.atomic_files import discard, written_whole
from emorec.outputs.base import STDOUT
from emorec.outputs.records import SCHEMA_VERSION, Record
from emorec.outputs.text_writer import TextWriter

if TYPE_CHECKING:
    from emorec.metadata import ModelMetadata


class JsonWriter:
    """All records as one JSON document, written record by record and published at the end.

    An exception ends the document early: it then holds the records added so far. An error before
    the first record leaves an existing document as it is.

    Args:
        target: The file, or "-" for standard output.
        metadata: The model that was used.
        labels: The emotions reported.
        settings: What else produced the records, such as the detector; see `ReportingModel`.
    """

    note: str | None = None

    def __init__(
        self,
        target: str,
        metadata: "ModelMetadata",
        labels: Sequence[str],
        settings: Mapping[str, str],
    ) -> None:
        self._target = target
        self._settings = dict(settings)
        self._model = {
            "name": metadata.name,
            "version": metadata.version,
            "labels": list(labels),
            "calibrated": metadata.calibrated,
        }
        self._stack = ExitStack()
        self._text: TextWriter | None = None
        self._count = 0
        self._videos: list[Record] = []
        self._left_out: dict[str, int] = {}

    def __enter__(self) -> Self:
        head = {
            "schema_version": SCHEMA_VERSION,
            "emorec_version": __version__,
            "model": self._model,
            **self._settings,
            "images": [],
        }
        with ExitStack() as stack:
            target = self._target
            if target != STDOUT:
                target = str(stack.enter_context(written_whole(Path(target))))
            self._text = stack.enter_context(TextWriter(target, shown_name=self._target))
            self._text.write(json.dumps(head, indent=2).removesuffix("]\n}"))
            self._stack = stack.pop_all()
        return self

    def add(self, record: Record) -> None:
        """Write a record; see `RecordWriter.add`."""
        assert self._text is not None, "a writer is used within its with block"
        text = json.dumps(record, indent=2, allow_nan=False).replace("\n", "\n    ")
        self._text.write(("," if self._count else "") + "\n    " + text)
        self._count += 1

    def add_video(self, summary: Record) -> None:
        """Keep the summary of a video for the end; see `RecordWriter.add_video`."""
        self._videos.append(summary)

    def add_left_out(self, counts: Mapping[str, int]) -> None:
        """Keep the counts for the end; see `RecordWriter.add_left_out`."""
        self._left_out.update(counts)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception) and not self._count and not self._videos:
            # Nothing was processed, such as where another output cannot be opened.
            discard(self._stack)
            return
        with self._stack:  # without the exception, so that the records so far are published
            if self._text is not None:
                rest = {"videos": self._videos, "left_out": self._left_out}
                end = "\n  ]" if self._count else "]"
                text = json.dumps(rest, indent=2, allow_nan=False).removeprefix("{")
                self._text.write(f"{end},{text}\n")
