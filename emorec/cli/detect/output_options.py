"""Where the results of `emorec detect` go: files, and the table on the terminal."""

import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from emorec.cli.detect.face_table import FaceTable, video_lines
from emorec.cli.overwriting import refuse_no_file, refuse_overwriting
from emorec.cli.terminal_text import one_line

if TYPE_CHECKING:
    from emorec.batch.video_work import VideoResult
    from emorec.inference.recognizer import EmotionRecognizer
    from emorec.media.sources import MediaSource
    from emorec.outputs.formats import RecordWriter
    from emorec.outputs.marked_images import ImageOutput
    from emorec.outputs.records import ImageResult

_STDOUT = "-"

_NAMED = 20
"""How many written files are told of by name."""


@dataclass(frozen=True)
class OutputOptions:
    """What the options say about outputs."""

    folder: Path | None
    no_save: bool
    crops: Path | None
    json: str | None
    jsonl: str | None
    csv: str | None
    resume: bool = False
    bars: bool = False

    def __post_init__(self) -> None:
        if self.resume and (self.json or not self._texts() or _STDOUT in self._texts()):
            raise click.UsageError("--resume goes with --jsonl FILE or --csv FILE, not with --json")
        if self.no_save and self.folder is not None:
            raise click.UsageError("--save and --no-save exclude each other")
        printed = [text for text in self._texts() if text == _STDOUT]
        if len(printed) > 1:
            raise click.UsageError("only one of --json, --jsonl and --csv can go to -")
        for option in ("json", "jsonl", "csv"):
            target = getattr(self, option)
            if target is None or target == _STDOUT:
                continue
            refuse_no_file(f"--{option}", Path(target))

    def _texts(self) -> list[str]:
        return [text for text in (self.json, self.jsonl, self.csv) if text is not None]

    def left(
        self, sources: Sequence["MediaSource"], labels: Sequence[str]
    ) -> tuple[Sequence["MediaSource"], bool]:
        """Say which sources are to be done, and whether an earlier run failed at others."""
        if not self.resume:
            return sources, False
        from emorec.outputs.resume import resume

        jsonl = Path(self.jsonl) if self.jsonl else None
        left, failed = resume(sources, jsonl, Path(self.csv) if self.csv else None, labels)
        click.echo(f"resuming: {len(sources) - len(left)} of {len(sources)} are done", err=True)
        return left, failed

    @property
    def table(self) -> bool:
        """Whether the table is printed, as nothing else goes to standard output."""
        return _STDOUT not in self._texts()

    def saved(self, sources: Sequence["MediaSource"]) -> Path | None:
        """Folder of the marked pictures; None if there are to be none."""
        if self.no_save or self.folder is not None:
            return self.folder
        # A folder of thousands is not to fill the current one unasked.
        return None if any(source.listed for source in sources) else Path()

    def video_folder(self, source: "MediaSource") -> Path | None:
        """Folder of the annotated video of a source; None if there is to be none.

        What may go on for ever is written only where it was asked for.
        """
        from emorec.media.addresses import is_camera, is_url

        endless = is_camera(source.name) or is_url(source.name)
        return self.folder if endless or source.listed else self.saved([source])

    def check(
        self, sources: Sequence["MediaSource"], inputs: Iterable[Path], plots: Iterable[Path] = ()
    ) -> None:
        """Refuse, before any work, to write over an input or over another output."""
        from emorec.outputs.marked_images import MarkedImages

        if self.resume and any(source.video for source in sources):
            raise click.UsageError("--resume is for pictures; a video is done as a whole")
        folder = self.saved(sources)
        pictures = MarkedImages(folder) if folder is not None else None
        outputs = [Path(text) for text in self._texts() if text != _STDOUT]
        outputs += plots
        for source in sources:
            if source.video:
                outputs += self._video_target(source)
            elif pictures:
                outputs.append(pictures.target(source))
        read = [*(Path(source.name) for source in sources), *inputs]
        advice = "choose another place with --save or --json, or take --no-save"
        refuse_overwriting(outputs, read, advice)

    def _video_target(self, source: "MediaSource") -> list[Path]:
        from emorec.outputs.annotated_video import target

        folder = self.video_folder(source)
        return [] if folder is None else [target(folder, source)]

    def pictures(
        self, sources: Sequence["MediaSource"], recognizer: "EmotionRecognizer"
    ) -> list["ImageOutput"]:
        """Make what writes pictures, and its folders."""
        from emorec.outputs.marked_images import MarkedImages, make_folder

        outputs: list[ImageOutput] = []
        folder = self.saved(sources)
        if folder is not None:
            make_folder(folder)
            outputs.append(MarkedImages(folder, self.bars))
        return [*outputs, *self.crop_outputs(recognizer)]

    def crop_outputs(self, recognizer: "EmotionRecognizer") -> list["ImageOutput"]:
        """Make what writes face crops, and its folder."""
        from emorec.outputs.marked_images import FaceCrops, make_folder

        if self.crops is None:
            return []
        make_folder(self.crops)
        return [FaceCrops(self.crops, recognizer.classifier.metadata.crop_margin)]

    def sinks(self, recognizer: "EmotionRecognizer") -> list["RecordWriter"]:
        """Make what writes records."""
        from emorec.outputs.formats import CsvWriter, JsonLinesWriter, JsonWriter

        sinks: list[RecordWriter] = []
        if self.json is not None:
            metadata = recognizer.classifier.metadata
            sinks.append(JsonWriter(self.json, metadata, recognizer.labels))
        if self.jsonl is not None:
            sinks.append(JsonLinesWriter(self.jsonl, self.resume))
        if self.csv is not None:
            sinks.append(CsvWriter(self.csv, recognizer.labels, self.resume))
        return sinks


class Outputs:
    """Takes what became of each picture: writes the records, prints the table and the problems.

    Attributes:
        left: The sources that are still to be done.
        shows_bar: A bar tells how many pictures are done.
        failed: Something could not be read or written, now or in the run that is resumed.
    """

    def __init__(
        self,
        targets: OutputOptions,
        sources: Sequence["MediaSource"],
        recognizer: "EmotionRecognizer",
    ) -> None:
        self.left, self.failed = targets.left(sources, recognizer.labels)
        self._sinks = targets.sinks(recognizer)
        self._table = FaceTable([source.name for source in sources], recognizer.labels)
        self._shows = targets.table
        self._stack = ExitStack()
        self._written: list[str] = []
        self._count = 0
        # Beside a growing table a bar would be in the way.
        table = self._shows and sys.stdout.isatty()
        self.shows_bar = len(self.left) > 1 and sys.stderr.isatty() and not table
        self._tell: Callable[[int, int], None] | None = None
        self._begun = 0

    def __enter__(self) -> Self:
        for sink in self._sinks:
            self._stack.enter_context(sink)
        if self.shows_bar:
            from emorec.cli.progress import image_progress  # rich is slow to import

            self._tell = self._stack.enter_context(image_progress("looking at pictures"))
        return self

    def add(self, done: "ImageResult") -> None:
        """Take the next picture.

        Raises:
            DataError: The records cannot be written.
        """
        self.add_frame(done)
        if self._shows and done.record["status"] != "unreadable":
            self._table.show(done.record)

    def add_frame(self, done: "ImageResult") -> None:
        """Take the next frame of a video, which the table leaves out.

        Raises:
            DataError: The records cannot be written.
        """
        for problem in done.problems:
            self._problem(problem)
        for sink in self._sinks:
            sink.add(done.record)
        self._begun += done.record["frame"] in (None, 0)
        if self._tell:
            self._tell(self._begun, len(self.left))
        self._count += len(done.written)
        self._written += done.written[: _NAMED + 1 - len(self._written)]

    def add_video(self, done: "VideoResult") -> None:
        """Take the summary of a video, after its frames."""
        for sink in self._sinks:
            sink.add_video(done.record)
        if self._shows:
            for line in video_lines(done.record):
                click.echo(line)
        if done.video is None:
            return
        if done.video.problem is not None:
            self._problem(done.video.problem)
        if done.video.note is not None:
            click.echo(f"note: {one_line(done.video.note)}", err=True)
        if done.video.written is not None:
            self.wrote(done.video.written)

    def wrote(self, path: Path) -> None:
        """Tell at the end of a file that was written."""
        self._written.append(str(path))
        self._count += 1

    def _problem(self, message: str) -> None:
        click.echo(f"error: {one_line(message)}", err=True)
        self.failed = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._stack:
            if not self._shows:
                return
            if self._count > _NAMED:
                click.echo(f"wrote {self._count} files")
                return
            for path in self._written:
                click.echo(f"wrote {one_line(path)}")
