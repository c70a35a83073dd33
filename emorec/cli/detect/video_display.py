"""Processes the videos of `emorec detect` and shows them: progress, window, summary and plot."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from emorec.cli.detect.results import progress_over
from emorec.cli.detect.video_options import VideoOptions
from emorec.cli.terminal_text import one_line

if TYPE_CHECKING:
    from emorec.batch.video_work import VideoResult, VideoWork
    from emorec.cli.detect.results import ResultReporter
    from emorec.cli.detect.session_output import SessionOutput
    from emorec.inference.stream import FrameResult
    from emorec.media.sources import MediaSource
    from emorec.outputs.destinations import OutputSettings


class VideoDisplay:
    """Processes videos one after another.

    Args:
        work: The work on each video.
        options: Window and plot.
        outputs: Folders of the annotated videos.
        reporter: Reports the results.
        session: Records the session; None for none.
    """

    def __init__(
        self,
        work: "VideoWork",
        options: VideoOptions,
        outputs: "OutputSettings",
        reporter: "ResultReporter",
        session: "SessionOutput | None" = None,
    ) -> None:
        self._work = work
        self._options = options
        self._outputs = outputs
        self._reporter = reporter
        self._session = session
        self._count = 0
        self._videos = sum(source.is_video for source in reporter.remaining)

    def process(self, sources: Iterable["MediaSource"]) -> None:
        """Process videos.

        Raises:
            DataError: A record, an annotated video's folder or a plot cannot be written.
            ModelError: The model fails.
        """
        for source in sources:
            self._count += 1
            self._process(source)

    def _process(self, source: "MediaSource") -> None:
        run = self._work.run(source, self._outputs.video_folder(source))
        name = one_line(run.name)
        if self._session is not None:
            self._session.begin_video(self._count - 1)
        if self._videos > 1:
            name += f" ({self._count} of {self._videos})"
        try:
            with (
                progress_over(name, "frames") as progress,
                _window(self._options.show, self._outputs) as show,
                run,
            ):
                for count, result in enumerate(run, 1):
                    self._reporter.add_frame(result)
                    if self._session is not None:
                        self._session.add(result, run)
                    if result.tracked is None:
                        continue
                    progress(count, run.expected_frames)
                    if not show(result.tracked):
                        break
        finally:
            if self._session is not None:
                self._session.end_video(run)
            # After the bar, which would overwrite the summary.
            if run.result is not None:
                self._finish(run.result)

    def _finish(self, result: "VideoResult") -> None:
        self._reporter.add_video(result)
        if self._options.plot is not None:
            from emorec.atomic_files import write_bytes

            path = self._options.plot_of(self._count)
            from emorec.batch.timeline_plot import draw_timeline

            write_bytes(path, draw_timeline(result.tracks, result.record["duration_s"]))
            self._reporter.add_written(path)


@contextmanager
def _window(shown: bool, outputs: "OutputSettings") -> Iterator[Callable[["FrameResult"], bool]]:
    if not shown:
        yield lambda result: True
        return
    from emorec.cli.detect.window import Window

    with Window(outputs.landmarks, outputs.blur) as window:
        yield window.show
