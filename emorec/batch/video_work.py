"""Processes videos, cameras and streams from source to records, frame by frame."""

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import cv2

from emorec.batch.video_summary import TrackSummary, VideoSummary
from emorec.errors import DataError
from emorec.inference.recognizer import EmotionRecognizer
from emorec.inference.stream import FrameResult, StreamSettings, track_faces
from emorec.interrupts import deliver_pending_interrupt
from emorec.media.addresses import is_camera, is_url, output_stem, shown_name
from emorec.media.blurring import blur_frame
from emorec.media.reading import downscale
from emorec.media.sources import MediaSource
from emorec.media.video import RECONNECTS, VideoReader
from emorec.media.video_writer import VideoWriter
from emorec.outputs.annotated_video import AnnotatedVideo, annotated_path
from emorec.outputs.marked_images import ImageOutput, make_folder, write_result
from emorec.outputs.records import ImageResult, Record


@dataclass(frozen=True)
class VideoSettings:
    """Which frames of a video are read, and how its faces are tracked.

    Attributes:
        every: As for `VideoReader`.
        start_s: As for `VideoReader`.
        end_s: As for `VideoReader`.
        max_side: Larger frames are downscaled to this many pixels on their longer side.
        stream: How faces are detected and tracked.
        timeline: Keep the timelines of the faces, for a plot.
        with_bars: Draw the probabilities of all emotions into annotated videos.
        with_landmarks: Draw the landmarks of the faces into annotated videos.
        blur: Blur the faces in annotated videos, as for `AnnotatedVideo`. The frames of the results
            stay unchanged.
        reconnects: As for `VideoReader`.
    """

    every: int = 1
    start_s: float = 0.0
    end_s: float | None = None
    max_side: int | None = None
    stream: StreamSettings = field(default_factory=StreamSettings)
    timeline: bool = False
    with_bars: bool = False
    with_landmarks: bool = False
    blur: str | None = None
    reconnects: int = RECONNECTS


@dataclass(frozen=True)
class VideoFrameResult(ImageResult):
    """The result of one frame.

    Attributes:
        tracked: Pixels and tracked faces; None if the frame could not be read.
    """

    tracked: FrameResult | None = None


@dataclass(frozen=True)
class VideoResult:
    """The result of a whole video.

    Attributes:
        record: See `VideoSummary.record`.
        tracks: The faces.
        annotated: The annotated video, closed; None if none was requested.
    """

    record: Record
    tracks: Sequence[TrackSummary]
    annotated: AnnotatedVideo | None = None


class VideoWork:
    """The work on each video.

    Args:
        recognizer: Detects and classifies the faces. One with the default detector gets the
            default detector of videos.
        settings: Which frames are read, and how faces are tracked; None uses the defaults.
        outputs: Annotated images and face crops to write of the frames in which faces are detected.
    """

    def __init__(
        self,
        recognizer: EmotionRecognizer,
        settings: VideoSettings | None = None,
        outputs: Sequence[ImageOutput] = (),
    ) -> None:
        self._recognizer = recognizer.for_videos()
        self._settings = settings or VideoSettings()
        self._outputs = outputs

    def run(
        self, source: MediaSource | str | os.PathLike[str], folder: Path | None = None
    ) -> "VideoRun":
        """Prepare to process a video; iterating over the result does it.

        Args:
            source: A file, the number of a camera or the address of a stream.
            folder: Folder of the annotated video; None writes none.
        """
        if not isinstance(source, MediaSource):
            name = os.fspath(source)
            source = MediaSource(name, output_stem(name), is_video=True)
        return VideoRun(self._recognizer, self._settings, self._outputs, source, folder)


class VideoRun:
    """One video being processed: iterate once over it for the results of its frames.

    It must be closed, by `close` or a `with` block. Whatever ends it early, Ctrl-C too, the
    annotated video is finished and the frames so far are summed up. OpenCV is limited to one thread
    meanwhile, as the detecting threads use all cores.

    Attributes:
        name: The source as records name it.
        expected_frames: As for `VideoReader`, from the first result on; None before.
        fps: Frame rate of the source, as for `VideoReader`, from the first result on; None before.
        result: The result of the whole video, once it is closed or its frames are exhausted; None
            if no frame could be read.
    """

    def __init__(
        self,
        recognizer: EmotionRecognizer,
        settings: VideoSettings,
        outputs: Sequence[ImageOutput],
        source: MediaSource,
        folder: Path | None,
    ) -> None:
        self.name = shown_name(source.name)
        self.expected_frames: int | None = None
        self.fps: float | None = None
        self.result: VideoResult | None = None
        self._recognizer = recognizer
        self._settings = settings
        self._outputs = outputs
        self._source = source
        self._folder = folder
        self._results = self._process()

    def __iter__(self) -> Iterator[VideoFrameResult]:
        """Yield the result of each frame, in order.

        A video that cannot be read, or not to its end, yields a last result of status "unreadable".

        Raises:
            DataError: The folder of the annotated video cannot be created.
            ModelError: The model fails.
        """
        return self._results

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the video here: finish the annotated video and sum up."""
        self._results.close()

    def _process(self) -> Generator[VideoFrameResult]:
        settings = self._settings
        try:
            if self._source.problem is not None:
                raise DataError(f"{self.name}: {self._source.problem}")
            reader = VideoReader(
                self._source.name,
                settings.every,
                settings.start_s,
                settings.end_s,
                settings.reconnects,
            )
        except DataError as error:
            yield VideoFrameResult.unreadable(self.name, str(error))
            return
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            with reader:
                yield from self._frames(reader)
        finally:
            cv2.setNumThreads(threads)

    def _frames(self, reader: VideoReader) -> Generator[VideoFrameResult]:
        fps = reader.fps / self._settings.every
        summary = VideoSummary(
            self.name, 1 / fps, self._settings.stream.max_gap_s, self._settings.timeline
        )
        self.expected_frames, self.fps = reader.expected_frames, reader.fps
        annotated = None if self._folder is None else self._annotated_video(self._folder, fps)
        try:
            # Closed at once, or its thread would go on reading a closed video.
            with closing(self._track(reader)) as tracked_frames:
                try:
                    for tracked in tracked_frames:
                        result = self._frame_result(tracked)
                        summary.add(tracked.faces, tracked.frame.time_s or 0.0)
                        if annotated is not None:
                            annotated.add(tracked.frame, tracked.faces, tracked.missed)
                        yield result
                        deliver_pending_interrupt()
                except BaseException:
                    # The reading thread would wait for the next frame, which may take long.
                    reader.close()
                    raise
            if reader.problem is not None:
                raise DataError(reader.problem)
        except DataError as error:
            yield VideoFrameResult.unreadable(self.name, str(error))
        finally:
            if annotated is not None:
                annotated.close()
            if summary.frames:
                tracks = summary.finish()
                record = summary.record(tracks, reader.gaps)
                self.result = VideoResult(record, tracks, annotated)

    def _track(self, reader: VideoReader) -> Generator[FrameResult]:
        frames = (downscale(frame, self._settings.max_side) for frame in reader)
        return track_faces(
            frames,
            self._recognizer.recognize_frame,
            self._settings.stream,
            drop_late=reader.live,
            min_confidence=self._recognizer.min_confidence,
        )

    def _annotated_video(self, folder: Path, fps: float) -> AnnotatedVideo:
        path = annotated_path(folder, self._source)
        make_folder(path.parent)
        name = self._source.name
        sound_from = None if is_camera(name) or is_url(name) else Path(name)
        settings = self._settings
        writer = VideoWriter(path, fps, sound_from)
        return AnnotatedVideo(writer, settings.with_bars, settings.with_landmarks, settings.blur)

    def _frame_result(self, tracked: FrameResult) -> VideoFrameResult:
        outputs, frame, blur = self._outputs, tracked.frame, self._settings.blur
        if not tracked.detected:
            outputs = ()
        elif outputs and blur is not None:  # crops may show parts of other faces
            frame = blur_frame(frame, tracked.missed, blur)
        result = write_result(self._source, self.name, frame, tracked.faces, outputs)
        return VideoFrameResult(result.record, result.written, result.problems, tracked=tracked)
