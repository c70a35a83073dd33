"""Draws the faces of a video into its frames and writes them, in a thread of its own."""

import queue
import threading
from collections.abc import Sequence
from pathlib import Path

from emorec.errors import DataError
from emorec.frames import Frame
from emorec.media.drawing import Annotator
from emorec.media.sources import MediaSource
from emorec.media.video_programs import CONTAINERS
from emorec.media.video_writer import VideoWriter
from emorec.types import Box, FaceEmotion, Undrawn

_QUEUED_FRAMES = 4
"""Frames that wait to be drawn, at most."""

_DrawnFrame = tuple[Frame, Sequence[FaceEmotion], Sequence[Box]]
"""The arguments of `AnnotatedVideo.add`."""


def annotated_path(folder: Path, source: MediaSource) -> Path:
    """Return the path of the annotated video of a source: with its own suffix, or as .mp4."""
    suffix = Path(source.name).suffix.lower()
    return folder / source.output_name(f"-emotions{suffix if suffix in CONTAINERS else '.mp4'}")


class AnnotatedVideo:
    """An annotated video that is being written; it must be closed.

    Args:
        writer: Writes the annotated frames; closed by `close`.
        with_bars: Draw the probabilities of all emotions.
        with_landmarks: Draw the landmarks of the faces.
        blur: Blur the faces by this method of `BLURS`; None shows them.

    Attributes:
        written: The finished file; None before, and after a problem.
        problem: Why it could not be written, or None.
        note: Why browsers do not play it or it has no sound, or None.
    """

    def __init__(
        self,
        writer: VideoWriter,
        with_bars: bool = False,
        with_landmarks: bool = False,
        blur: str | None = None,
    ) -> None:
        self.written: Path | None = None
        self.problem: str | None = None
        self.note: str | None = None
        self._writer = writer
        self._annotator = Annotator(with_bars, with_landmarks, blur)
        self._queue: queue.Queue[_DrawnFrame | None] = queue.Queue(_QUEUED_FRAMES)
        self._thread = threading.Thread(target=self._run, name="emorec-write", daemon=True)
        self._thread.start()

    @property
    def undrawn(self) -> Undrawn:
        """Labels and bars that the frames lack, so far."""
        return self._annotator.undrawn

    def add(self, frame: Frame, faces: Sequence[FaceEmotion], missed: Sequence[Box] = ()) -> None:
        """Draw the faces into a frame and write it; after a problem, frames are skipped.

        Args:
            frame: The pixels.
            faces: The faces, boxes in pixels of the full frame.
            missed: As for `Annotator.draw`.
        """
        self._queue.put((frame, faces, missed))

    def close(self) -> None:
        """Wait for the last frame and finish the video."""
        self._queue.put(None)
        self._thread.join()
        try:
            self.written = self._writer.close()
        except DataError as error:
            self.problem = str(error)
        self.note = self._writer.note

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if self.problem is not None:
                continue  # the queue must be emptied, or `add` would block
            frame, faces, missed = item
            try:
                image = self._annotator.draw_frame(frame, faces, missed)
                self._writer.write(image, frame.time_s or 0.0)
            except DataError as error:
                self.problem = str(error)
