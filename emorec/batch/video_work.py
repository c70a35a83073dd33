"""Takes videos, cameras and streams from their source to records, frame by frame."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from emorec.batch.video_summary import TrackSummary, VideoSummary
from emorec.errors import DataError
from emorec.inference.recognizer import EmotionRecognizer
from emorec.inference.stream import FrameResult, StreamSettings, follow
from emorec.interrupts import deliver_pending_interrupt
from emorec.media.addresses import is_camera, is_url, shown_name
from emorec.media.reading import downscale
from emorec.media.sources import MediaSource
from emorec.media.video import VideoReader
from emorec.media.video_writer import VideoWriter
from emorec.outputs.annotated_video import AnnotatedVideo, target
from emorec.outputs.marked_images import ImageOutput, make_folder
from emorec.outputs.records import ImageResult, Record, image_record


@dataclass(frozen=True)
class VideoSettings:
    """What is read of a video, and how it is followed.

    Attributes:
        every: As for `VideoReader`.
        start_s: As for `VideoReader`.
        end_s: As for `VideoReader`.
        max_side: Longer frames are downscale to this many pixels on their longer side.
        stream: How it is followed.
        timeline: Keep the timelines of the faces, for a plot.
        with_bars: Draw the probabilities into annotated videos.
    """

    every: int = 1
    start_s: float = 0.0
    end_s: float | None = None
    max_side: int | None = None
    stream: StreamSettings = field(default_factory=StreamSettings)
    timeline: bool = False
    with_bars: bool = False


@dataclass(frozen=True)
class VideoResult:
    """What became of a whole video.

    Attributes:
        record: See `VideoSummary.record`.
        tracks: The faces.
        video: The annotated video, closed; None if there was to be none.
    """

    record: Record
    tracks: Sequence[TrackSummary]
    video: AnnotatedVideo | None = None


class VideoWork:
    """What is done with every video.

    Args:
        recognizer: Finds and reads the faces.
        settings: What is read, and how it is followed.
        outputs: Make pictures out of the frames that are searched.
    """

    def __init__(
        self,
        recognizer: EmotionRecognizer,
        settings: VideoSettings,
        outputs: Sequence[ImageOutput] = (),
    ) -> None:
        self._recognizer = recognizer
        self._settings = settings
        self._outputs = outputs

    def run(
        self,
        source: MediaSource,
        folder: Path | None,
        take: Callable[[ImageResult], None],
        finish: Callable[[VideoResult], None],
        watch: Callable[[FrameResult, int | None], bool] | None = None,
    ) -> None:
        """Do a video.

        Whatever ends it, Ctrl-C too, what was done until then is written and summed up.

        Args:
            source: The video.
            folder: Where the annotated video goes; None writes none.
            take: Called with each frame, in order.
            finish: Called once, at the end.
            watch: Called after each frame with what was found and the number of frames awaited,
                if known; False ends the video.

        Raises:
            ModelError: The model fails.
            DataError: `take` or `finish` raises it.
        """
        settings = self._settings
        name = shown_name(source.name)
        try:
            if source.problem is not None:
                raise DataError(f"{name}: {source.problem}")
            reader = VideoReader(source.name, settings.every, settings.start_s, settings.end_s)
        except DataError as error:
            take(_unreadable(name, error))
            return
        with reader:
            _Run(self._recognizer, settings, reader, source, name).run(
                folder, self._outputs, take, finish, watch
            )


class _Run:
    """One video, opened."""

    def __init__(
        self,
        recognizer: EmotionRecognizer,
        settings: VideoSettings,
        reader: VideoReader,
        source: MediaSource,
        name: str,
    ) -> None:
        self._recognizer = recognizer
        self._settings = settings
        self._reader = reader
        self._source = source
        self._name = name
        self._fps = reader.fps / settings.every

    def run(
        self,
        folder: Path | None,
        outputs: Sequence[ImageOutput],
        take: Callable[[ImageResult], None],
        finish: Callable[[VideoResult], None],
        watch: Callable[[FrameResult, int | None], bool] | None,
    ) -> None:
        summary = VideoSummary(self._name, 1 / self._fps, self._settings.timeline)
        awaited = self._reader.expected_frames
        video = None if folder is None else self._video(target(folder, self._source))
        try:
            # Closed at once, or its thread would go on reading what is closed.
            with closing(self._results(take)) as results:
                for result in results:
                    take(self._done(result, outputs))
                    summary.add(result.faces, result.frame.time_s or 0.0)
                    if video is not None:
                        video.add(result.frame, result.faces)
                    if watch is not None and not watch(result, awaited):
                        break
                    deliver_pending_interrupt()
        finally:
            if video is not None:
                video.close()
            if summary.frames:
                tracks = summary.finish()
                finish(VideoResult(summary.record(tracks), tracks, video))

    def _results(self, take: Callable[[ImageResult], None]) -> Generator[FrameResult]:
        frames = (downscale(frame, self._settings.max_side) for frame in self._reader)
        recognizer = self._recognizer
        try:
            yield from follow(
                frames,
                recognizer.recognize_frame,
                self._settings.stream,
                self._reader.live,
                recognizer.min_confidence,
            )
            if self._reader.problem is not None:
                raise DataError(self._reader.problem)
        except DataError as error:
            take(_unreadable(self._name, error))

    def _video(self, path: Path) -> AnnotatedVideo:
        make_folder(path.parent)
        of_file = not (is_camera(self._source.name) or is_url(self._source.name))
        return AnnotatedVideo(
            VideoWriter(path, self._fps, Path(self._source.name) if of_file else None),
            self._settings.with_bars,
        )

    def _done(self, result: FrameResult, outputs: Sequence[ImageOutput]) -> ImageResult:
        frame = result.frame
        record = image_record(self._name, frame.size_wh, result.faces, frame.number, frame.time_s)
        written: list[str] = []
        problems: list[str] = []
        for output in outputs if result.detected else ():
            try:
                written += map(str, output.write(self._source, frame, result.faces))
            except DataError as error:
                problems.append(str(error))
        return ImageResult(record, tuple(written), tuple(problems))


def _unreadable(name: str, error: DataError) -> ImageResult:
    return ImageResult(image_record(name, None, [], error=str(error)), problems=(str(error),))
