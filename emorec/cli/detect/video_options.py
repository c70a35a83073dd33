"""The options of `emorec detect` for videos, and how videos run: progress, window, plot."""

import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from emorec.cli.terminal_text import one_line
from emorec.errors import MissingDependencyError

if TYPE_CHECKING:
    from emorec.batch.video_work import VideoResult, VideoSettings, VideoWork
    from emorec.cli.detect.output_options import OutputOptions, Outputs
    from emorec.inference.recognizer import EmotionRecognizer
    from emorec.inference.stream import FrameResult
    from emorec.media.sources import MediaSource


def seconds(ctx: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Turn "90", "1:30" or "0:01:30.5" into seconds: a callback for an option."""
    if value is None:
        return None
    parts = value.split(":")
    try:
        if not all(part[:1].isdecimal() for part in parts) or len(parts) > 3:
            raise ValueError
        total = 0.0
        for part in parts:
            total = 60 * total + float(part)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no time such as 90, 1:30 or 0:01:30.5") from error
    return total


_OPTIONS = (
    click.option(
        "--every",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Videos: take every Nth frame.",
        metavar="N",
    ),
    click.option(
        "--start",
        callback=seconds,
        metavar="TIME",
        help="Videos: begin here, in seconds or as h:m:s.",
    ),
    click.option("--end", callback=seconds, metavar="TIME", help="Videos: stop here, likewise."),
    click.option(
        "--detect-every",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help="Videos: seek faces in every Nth frame taken. In between they are followed by "
        "optical flow, and keep their emotions.",
    ),
    click.option(
        "--smooth",
        type=click.FloatRange(min=0),
        default=0.5,
        show_default=True,
        metavar="SECONDS",
        help="Videos: time constant by which the emotions of each face are smoothed; 0 is off.",
    ),
    click.option(
        "--max-gap",
        type=click.FloatRange(min=0),
        default=1.0,
        show_default=True,
        metavar="SECONDS",
        help="Videos: how long a face may be out of sight and keep its id.",
    ),
    click.option(
        "--plot",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE.png",
        help="Videos: draw the emotions of each face over time (needs the extra plots).",
    ),
    click.option(
        "--show", is_flag=True, help="Videos: show the frames in a window; q or Esc ends it."
    ),
)


@dataclass(frozen=True)
class VideoOptions:
    """What the options say about videos."""

    every: int
    start: float | None
    end: float | None
    detect_every: int
    smooth: float
    max_gap: float
    plot: Path | None
    show: bool
    given: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= (self.start or 0.0):
            raise click.UsageError("--end must be later than --start")
        if self.plot is not None and self.plot.suffix.lower() != ".png":
            raise click.UsageError(f"--plot: {self.plot} must be a .png file")
        if self.plot is not None and not self.plot.parent.is_dir():
            raise click.UsageError(f"--plot: the folder of {self.plot} is not there")

    def settings(self, max_side: int | None, with_bars: bool) -> "VideoSettings":
        """Tell the library."""
        from emorec.batch.video_work import VideoSettings
        from emorec.inference.stream import StreamSettings

        stream = StreamSettings(self.detect_every, self.smooth, self.max_gap)
        start_s = self.start or 0.0
        timeline = self.plot is not None
        return VideoSettings(self.every, start_s, self.end, max_side, stream, timeline, with_bars)

    def check(self, sources: Sequence["MediaSource"]) -> None:
        """Refuse options that nothing here is for, and find out early what is missing.

        Raises:
            MissingDependencyError: There is no matplotlib to plot with, or no display.
        """
        if self.given and not any(source.is_video for source in sources):
            raise click.UsageError(f"{self.given[0]} is for videos, and no source is one")
        if self.plot is not None:
            _import_plots()
        if self.show:
            from emorec.cli.detect.window import check_display

            check_display()

    def plots(self, sources: Sequence["MediaSource"]) -> list[Path]:
        """Name the plot of each video."""
        videos = sum(source.is_video for source in sources)
        return [self.plot_of(number) for number in range(1, videos + 1) if self.plot]

    def plot_of(self, number: int) -> Path:
        """Name the plot of the nth video, from 1."""
        assert self.plot is not None
        return self.plot if number == 1 else self.plot.with_stem(f"{self.plot.stem}-{number}")


def video_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for videos to a command, which gets them as `videos`, a `VideoOptions`."""

    @functools.wraps(command)
    def wrapped(**arguments: Any) -> Any:
        context = click.get_current_context()
        names = [name for name in VideoOptions.__dataclass_fields__ if name != "given"]
        given = tuple(
            f"--{name.replace('_', '-')}"
            for name in names
            if context.get_parameter_source(name) == ParameterSource.COMMANDLINE
        )
        chosen = {name: arguments.pop(name) for name in names}
        return command(videos=VideoOptions(**chosen, given=given), **arguments)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


class VideoRuns:
    """Runs videos one after another.

    Args:
        recognizer: Finds and reads the faces.
        targets: Where pictures and annotated videos go.
        choice: The options.
        outputs: Takes the results.
        max_side: As for `VideoSettings`.
    """

    def __init__(
        self,
        recognizer: "EmotionRecognizer",
        targets: "OutputOptions",
        choice: VideoOptions,
        outputs: "Outputs",
        max_side: int | None,
    ) -> None:
        self._recognizer = recognizer
        self._targets = targets
        self._choice = choice
        self._outputs = outputs
        self._max_side = max_side
        self._count = 0

    def run(self, sources: Iterable["MediaSource"]) -> None:
        """Do some videos."""
        import cv2

        from emorec.batch.video_work import VideoWork

        cv2.setNumThreads(1)  # the searching threads take the cores, a frame each
        settings = self._choice.settings(self._max_side, self._targets.bars)
        work = VideoWork(self._recognizer, settings, self._targets.crop_outputs(self._recognizer))
        for source in sources:
            self._count += 1
            self._run(work, source)

    def _run(self, work: "VideoWork", source: "MediaSource") -> None:
        from emorec.media.addresses import shown_name

        name = one_line(shown_name(source.name))
        shows_bar = sys.stderr.isatty() and not self._outputs.shows_bar
        folder = self._targets.video_folder(source)
        count = 0
        finished: list[VideoResult] = []
        try:
            with _progress(name, shows_bar) as show, _window(self._choice.show) as window:

                def watch(result: "FrameResult", awaited: int | None) -> bool:
                    nonlocal count
                    count += 1
                    show(count, awaited)
                    return window(result)

                work.run(source, folder, self._outputs.add_frame, finished.append, watch)
        finally:
            # After the bar, which would overwrite what is printed.
            for done in finished:
                self._finish(done)

    def _finish(self, done: "VideoResult") -> None:
        self._outputs.add_video(done)
        if self._choice.plot is not None:
            from emorec.atomic_files import write_bytes

            path = self._choice.plot_of(self._count)
            write_bytes(path, _import_plots()(done.tracks, done.record["duration_s"]))
            self._outputs.wrote(path)


def _import_plots() -> Callable[..., bytes]:
    try:
        from emorec.batch.timeline_plot import draw_timeline
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("matplotlib"):
            raise
        raise MissingDependencyError(
            "--plot needs matplotlib; install it with: pip install 'emorec[plots]'"
        ) from error
    return draw_timeline


@contextmanager
def _progress(name: str, wanted: bool) -> Iterator[Callable[[int, int | None], None]]:
    if not wanted:
        yield lambda done, total: None
        return
    from emorec.cli.progress import image_progress  # rich starts slowly

    with image_progress(name) as show:
        yield show


@contextmanager
def _window(wanted: bool) -> Iterator[Callable[["FrameResult"], bool]]:
    if not wanted:
        yield lambda result: True
        return
    from emorec.cli.detect.window import Window

    with Window() as window:
        yield window.show
