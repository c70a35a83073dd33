"""Options of `emorec detect` for videos."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from emorec.cli.durations import parse_seconds

if TYPE_CHECKING:
    from emorec.batch.video_work import VideoSettings
    from emorec.media.sources import MediaSource


def seconds(ctx: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Convert "90", "1:30" or "0:01:30.5" to seconds: a callback for an option."""
    if value is None:
        return None
    try:
        return parse_seconds(value)
    except ValueError as error:
        raise click.BadParameter(
            f"{value!r} is not a time such as 90, 1:30 or 0:01:30.5"
        ) from error


_OPTIONS = (
    click.option(
        "--every",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Videos: process every Nth frame.",
        metavar="N",
    ),
    click.option(
        "--start",
        callback=seconds,
        metavar="TIME",
        help="Videos: start at this time, in seconds or as h:m:s.",
    ),
    click.option("--end", callback=seconds, metavar="TIME", help="Videos: stop at this time."),
    click.option(
        "--detect-every",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help="Videos: detect faces only in every Nth processed frame. In between they are tracked "
        "by optical flow and keep their emotions.",
    ),
    click.option(
        "--smooth",
        type=click.FloatRange(min=0),
        default=0.5,
        show_default=True,
        metavar="SECONDS",
        help="Videos: time constant of the smoothing of each face's probabilities; 0 turns it off.",
    ),
    click.option(
        "--max-gap",
        type=click.FloatRange(min=0),
        default=1.0,
        show_default=True,
        metavar="SECONDS",
        help="Videos: longest time for which a face may be out of sight and keep its id.",
    ),
    click.option(
        "--reconnect",
        type=click.IntRange(min=0),
        default=3,
        show_default=True,
        metavar="N",
        help="Streams: try N times to reconnect after the connection dropped, waiting 1, 2, 4, ... "
        "seconds.",
    ),
    click.option(
        "--plot",
        type=click.Path(readable=False, path_type=Path, dir_okay=False),
        metavar="FILE.png",
        help="Videos: plot the emotions of each face over time (needs the extra plots).",
    ),
    click.option(
        "--show",
        is_flag=True,
        help="Videos: show the annotated frames in a window; q or Esc ends the video.",
    ),
)


@dataclass(frozen=True)
class VideoOptions:
    """The options for videos.

    Attributes:
        every: Every Nth frame is processed.
        start: Start time in seconds, or None.
        end: End time in seconds, or None.
        detect_every: Faces are detected in every Nth processed frame.
        smooth: Time constant of the smoothing, in seconds.
        max_gap: Longest time out of sight, in seconds.
        reconnect: Attempts to reconnect to a stream.
        plot: Plot of the first video, or None.
        show: Show the frames in a window.
        given: Names of the options on the command line.
    """

    every: int
    start: float | None
    end: float | None
    detect_every: int
    smooth: float
    max_gap: float
    reconnect: int
    plot: Path | None
    show: bool
    given: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= (self.start or 0.0):
            raise click.UsageError("--end must be later than --start")
        if self.plot is not None and self.plot.suffix.lower() != ".png":
            raise click.UsageError(f"--plot: {self.plot} must be a .png file")
        if self.plot is not None and not self.plot.parent.is_dir():
            raise click.UsageError(f"--plot: the folder of {self.plot} does not exist")

    def settings(
        self, max_side: int | None, with_bars: bool, with_landmarks: bool, blur: str | None = None
    ) -> "VideoSettings":
        """Convert the options to library settings.

        Args:
            max_side: As for `VideoSettings`.
            with_bars: As for `VideoSettings`.
            with_landmarks: As for `VideoSettings`.
            blur: As for `VideoSettings`.
        """
        from emorec.batch.video_work import VideoSettings
        from emorec.inference.stream import StreamSettings

        return VideoSettings(
            every=self.every,
            start_s=self.start or 0.0,
            end_s=self.end,
            max_side=max_side,
            stream=StreamSettings(self.detect_every, self.smooth, self.max_gap),
            timeline=self.plot is not None,
            with_bars=with_bars,
            with_landmarks=with_landmarks,
            blur=blur,
            reconnects=self.reconnect,
        )

    def check(self, sources: Sequence["MediaSource"]) -> None:
        """Check that the options apply to the sources and that their requirements are met.

        Raises:
            click.UsageError: No source is a video.
            ModuleNotFoundError: matplotlib is missing.
            MissingDependencyError: A display is missing.
        """
        if self.given and not any(source.is_video for source in sources):
            raise click.UsageError(f"{self.given[0]} is for videos; no SOURCE is a video")
        if self.plot is not None:
            import emorec.batch.timeline_plot  # noqa: F401 - a missing matplotlib is an error now
        if self.show:
            from emorec.cli.detect.window import check_display

            check_display()

    def plots(self, sources: Sequence["MediaSource"]) -> list[Path]:
        """Return the path of the plot of each video."""
        videos = sum(source.is_video for source in sources)
        return [self.plot_of(number) for number in range(1, videos + 1) if self.plot]

    def plot_of(self, number: int) -> Path:
        """Return the path of the plot of the nth video, from 1."""
        assert self.plot is not None
        return self.plot if number == 1 else self.plot.with_stem(f"{self.plot.stem}-{number}")


def video_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for videos to a command, which receives `videos`, a `VideoOptions`."""

    @functools.wraps(command)
    def with_videos(**arguments: Any) -> Any:
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
        with_videos = option(with_videos)
    return with_videos
