"""Draws what was found into a video and writes it, in a thread of its own."""

import queue
import threading
from collections.abc import Sequence
from pathlib import Path

from emorec.errors import DataError
from emorec.frames import Frame
from emorec.media.drawing import annotate_frame
from emorec.media.sources import MediaSource
from emorec.media.video_writer import CODECS, VideoWriter
from emorec.types import FaceEmotion

_WAITING = 4
"""Frames that wait to be drawn."""


def target(folder: Path, source: MediaSource) -> Path:
    """Name the annotated video of a source: with its own suffix, or as .mp4."""
    suffix = Path(source.name).suffix.lower()
    return folder / source.output_name(f"-emotions{suffix if suffix in CODECS else '.mp4'}")


class AnnotatedVideo:
    """An annotated video in the making; it must be closed.

    Args:
        writer: Takes the drawn frames, and is closed here.
        with_bars: Draw the probabilities too.

    Attributes:
        written: The file, once it is there.
        problem: Why it could not be written; None while all is well.
        note: Why it has no sound.
    """

    def __init__(self, writer: VideoWriter, with_bars: bool = False) -> None:
        self.written: Path | None = None
        self.problem: str | None = None
        self.note: str | None = None
        self._writer = writer
        self._with_bars = with_bars
        self._waiting: queue.Queue[tuple[Frame, Sequence[FaceEmotion]] | None] = queue.Queue(
            _WAITING
        )
        self._thread = threading.Thread(target=self._run, name="emorec-write", daemon=True)
        self._thread.start()

    def add(self, frame: Frame, faces: Sequence[FaceEmotion]) -> None:
        """Draw the faces of a frame, and write it; after a problem nothing is written any more."""
        self._waiting.put((frame, faces))

    def close(self) -> None:
        """Wait for the last frame and finish the video."""
        self._waiting.put(None)
        self._thread.join()
        try:
            self.written = self._writer.close()
        except DataError as error:
            self.problem = str(error)
        self.note = self._writer.note

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            if self.problem is not None:
                continue  # whoever adds must not wait for ever
            frame, faces = item
            try:
                self._writer.write(
                    annotate_frame(frame, faces, self._with_bars), frame.time_s or 0.0
                )
            except DataError as error:
                self.problem = str(error)
