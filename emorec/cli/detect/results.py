"""Reports the results of `emorec detect`: record files, the table, problems and written files."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

from emorec.cli.detect.face_table import FaceTable, video_lines
from emorec.cli.status_lines import line_progress
from emorec.cli.terminal_text import one_line
from emorec.cli.verbosity import note, warn
from emorec.file_kinds import count_kinds, left_out_text
from emorec.types import Undrawn

if TYPE_CHECKING:
    from emorec.batch.video_work import VideoResult
    from emorec.inference.recognizer import EmotionRecognizer
    from emorec.media.sources import MediaSource
    from emorec.outputs.destinations import OutputSettings
    from emorec.outputs.records import ImageResult

_LISTED_FILES = 20
"""Written files that are listed by name, at most; more are only counted."""


def progress_over(
    name: str, unit: str
) -> AbstractContextManager[Callable[[int, int | None], None]]:
    """Show the progress of work on standard error: a bar on a terminal, else lines at times.

    Args:
        name: What is done.
        unit: "images" or "frames".
    """
    if sys.stderr.isatty():
        from emorec.cli.progress import unit_progress  # rich is slow to import

        return unit_progress(name, unit)
    return line_progress(name, unit)


class ResultReporter:
    """Writes the records of the results, and prints the table and the problems.

    Used in a `with` block; the record files are complete after it.

    Args:
        outputs: The record files.
        sources: All sources.
        recognizer: The recognizer whose results are reported.
        left_out: Paths of the files that were not taken from folders.

    Attributes:
        remaining: The sources to process: all, or those that an interrupted run has left.
        failed: Whether something could not be read or written, now or in the interrupted run.
    """

    def __init__(
        self,
        outputs: "OutputSettings",
        sources: Sequence["MediaSource"],
        recognizer: "EmotionRecognizer",
        left_out: Sequence[str] = (),
    ) -> None:
        self.remaining, self.failed = outputs.remaining(sources, recognizer.labels)
        if outputs.resume:
            done = len(sources) - len(self.remaining)
            note(f"resuming: {done} of {len(sources)} are done")
        self._writers = outputs.writers(recognizer)
        for writer in self._writers:
            if writer.note is not None:
                note(writer.note)
        self._table = FaceTable([source.name for source in sources], recognizer.labels)
        self._left_out = left_out
        self._shows_table = not outputs.prints_records
        self._stack = ExitStack()
        self._written: list[str] = []
        self._written_count = 0
        self._undrawn = Undrawn()
        # A bar would overwrite a table that is growing on the same terminal.
        table_on_terminal = self._shows_table and sys.stdout.isatty()
        self._shows_progress = len(self.remaining) > 1 and not table_on_terminal
        self._progress: Callable[[int, int | None], None] | None = None
        self._images = self._done = 0

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for writer in self._writers:
                stack.enter_context(writer)
                writer.add_left_out(count_kinds(self._left_out))
            self._stack = stack.pop_all()
        return self

    @contextmanager
    def images(self, count: int) -> Iterator[None]:
        """Show the progress over the next images within the context.

        Args:
            count: Their number.
        """
        if not self._shows_progress:
            yield
            return
        self._images, self._done = count, 0
        with progress_over("detecting faces", "images") as self._progress:
            yield
        self._progress = None

    def add(self, result: "ImageResult") -> None:
        """Report the next image.

        Raises:
            DataError: The records cannot be written.
        """
        self.add_frame(result)
        self._done += 1
        if self._progress:
            self._progress(self._done, self._images)
        if self._shows_table and result.record["status"] != "unreadable":
            self._table.show(result.record)

    def add_frame(self, result: "ImageResult") -> None:
        """Report the next frame of a video, which is not shown in the table.

        Raises:
            DataError: The records cannot be written.
        """
        for problem in result.problems:
            self._report_problem(problem)
        for text in result.notes:
            warn(text)
        for writer in self._writers:
            writer.add(result.record)
        self._undrawn += result.undrawn
        self._written_count += len(result.written)
        self._written += result.written[: _LISTED_FILES + 1 - len(self._written)]

    def add_video(self, result: "VideoResult") -> None:
        """Report a video, after its frames.

        Raises:
            DataError: The records cannot be written.
        """
        for writer in self._writers:
            writer.add_video(result.record)
        if self._shows_table:
            for line in video_lines(result.record):
                click.echo(line)
        for begin_s, end_s in result.record.get("gaps", ()):
            gap = f"reconnected; nothing was received from {begin_s:.1f} s to {end_s:.1f} s"
            warn(f"{result.record['source']}: {gap}")
        if result.annotated is None:
            return
        for text in _undrawn_notes(result.annotated.undrawn):
            note(f"{result.record['source']}: {text} (counted in each frame)")
        if result.annotated.problem is not None:
            self._report_problem(result.annotated.problem)
        if result.annotated.note is not None:
            warn(result.annotated.note)
        if result.annotated.written is not None:
            self.add_written(result.annotated.written)

    def add_written(self, path: Path) -> None:
        """List a written file at the end."""
        self._written.append(str(path))
        self._written_count += 1

    def _report_problem(self, message: str) -> None:
        click.echo(f"error: {one_line(message)}", err=True)
        self.failed = True

    def __exit__(self, *exception: object) -> None:
        with self._stack:
            for text in _undrawn_notes(self._undrawn):
                note(text)
            if self._left_out:
                warn(left_out_text(self._left_out))
            if not self._shows_table:
                return
            if self._written_count > _LISTED_FILES:
                click.echo(f"wrote {self._written_count} files")
                return
            for path in self._written:
                click.echo(f"wrote {one_line(path)}")


def _undrawn_notes(undrawn: Undrawn) -> Iterator[str]:
    for count, missing, reason in (
        (undrawn.bars, "bars", "they would hide faces or labels, or not fit into the image"),
        (undrawn.labels, "labels", "the image is too small for readable text"),
    ):
        if count:
            yield f"{missing} of {count} {'face' if count == 1 else 'faces'} not drawn: {reason}"


def note_escaped_labels(labels: Sequence[str]) -> None:
    """Print which labels are drawn escaped, if any are, and what helps."""
    if all(map(str.isascii, labels)):
        return
    from emorec.fonts import escaping_note  # most labels are ASCII

    text = escaping_note(labels)
    if text is not None:
        note(text)
