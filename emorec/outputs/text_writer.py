"""Writes text to a file or to standard output, and flushes after each piece."""

import errno
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

from emorec.errors import DataError
from emorec.outputs.base import STDOUT
from emorec.outputs.records import Record
from emorec.streams import require_stdout, write_utf_8


class TextWriter:
    """A file, or standard output, that text is appended to; used in a `with` block.

    Each piece is flushed, so that a killed run leaves complete lines.

    Args:
        target: The file, or "-" for standard output.
        resume: Append to an existing file.
        shown_name: Name of the file in messages, if it is not that of the target.

    Attributes:
        note: As for `RecordWriter`.
    """

    note: str | None = None

    def __init__(self, target: str, resume: bool = False, shown_name: str | None = None) -> None:
        self._target = target
        self._shown_name = shown_name or target
        self._mode = "a" if resume else "w"
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        if self._target == STDOUT:
            require_stdout()
            write_utf_8()
            self._file = sys.stdout
        else:
            try:
                self._file = Path(self._target).open(self._mode, encoding="utf-8", newline="")
            except OSError as error:
                raise self._error(error) from error
        if self._file is sys.stdout or not self._file.seekable() or self._file.tell() == 0:
            self._begin()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._file is not None and self._target != STDOUT:
            try:
                self._file.close()
            except OSError as closing:
                raise self._error(closing) from closing

    def add_video(self, summary: Record) -> None:
        """Skip the summary of a video; see `RecordWriter.add_video`."""

    def add_left_out(self, counts: Mapping[str, int]) -> None:
        """Skip the counts; see `RecordWriter.add_left_out`."""

    def write(self, text: str) -> None:
        """Write and flush text.

        Raises:
            DataError: The file cannot be written.
        """
        assert self._file is not None, "a writer is used within its with block"
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            if self._target == STDOUT and error.errno == errno.EPIPE:
                raise  # the reader of the pipe has exited
            raise self._error(error) from error

    def _begin(self) -> None:
        """Write what an empty file begins with."""

    def _error(self, error: OSError) -> DataError:
        return DataError(f"{self._shown_name}: cannot write: {error.strerror or error}")
