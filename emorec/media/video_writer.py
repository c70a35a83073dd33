"""Atomic writing of videos at a constant frame rate, with the sound of their source."""

import logging
import shutil
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import cv2

from emorec.atomic_files import discard, written_whole
from emorec.errors import ConfigError, DataError
from emorec.images import Image
from emorec.installation import install_command
from emorec.media.native_paths import native_path
from emorec.media.sound import NO_PROGRAM, add_sound
from emorec.media.video_encoders import (
    FOURCC,
    EncoderError,
    OpenCvEncoder,
    ProgramEncoder,
    VideoEncoder,
)
from emorec.media.video_programs import CONTAINERS, RawVideo, Sound, find_h264

MOTION_JPEG = (".avi",)
"""Suffixes of Motion JPEG, whose users expect frames that depend on no other."""

_log = logging.getLogger(__name__)

_LONGEST_HOLD_S = 60.0
"""Longest time one frame is repeated; a longer gap in the source's times is likely an error."""

_CHECKED_FRAMES = 100
_LEAST_FREE_BYTES = 4 * 2**20


class VideoWriter:
    """Writer of a video of constant frame rate; use it in a `with` block.

    .avi files are Motion JPEG. The others are H.264 where a program encodes it: an installed
    ffmpeg, else the package PyAV; they are MPEG-4 otherwise, which browsers do not play. The
    frames have even sides, as these codecs need: of an odd width or height the last column or row
    is repeated.

    Each frame is shown until the time of the next one: for a source of variable frame rate, frames
    are repeated or dropped to keep image and sound in sync. The file appears under its name when
    the block ends. If Ctrl-C or an error elsewhere ends it, the file holds the frames so far.

    Args:
        target: File to write; its suffix is one of `CONTAINERS`.
        fps: Frames per second, above 0, up to 240.
        sound_from: Video file whose sound is copied; needs ffmpeg or PyAV.

    Attributes:
        encoder: What encodes the frames, e.g. "libx264 of ffmpeg"; None before the first frame.
        note: Why the finished video is not H.264 or lacks the requested sound, and what to install;
            None if it lacks neither.

    Raises:
        ConfigError: The suffix is unknown or the rate out of range.
    """

    def __init__(self, target: Path, fps: float, sound_from: Path | None = None) -> None:
        if target.suffix.lower() not in CONTAINERS:
            known = ", ".join(CONTAINERS)
            raise ConfigError(f"{target}: unknown suffix of a video; use one of {known}")
        if not 0 < fps <= 240:
            raise ConfigError(f"fps must be above 0, up to 240; received {fps:g}")
        self._target = target
        # MPEG-4 divides a second into at most 65,535 time steps.
        self._fps = round(fps, 3 if fps < 65 else 2)
        self._sound_from = sound_from
        self._stack = ExitStack()
        self._partial: Path | None = None
        self._encoder: VideoEncoder | None = None
        self._native_name = ""
        self._size_wh = (0, 0)
        self._begin_s = 0.0
        self._last: Image | None = None
        self._next_index = 0
        self._failed = False
        self._plays = True
        self.encoder: str | None = None
        self.note: str | None = None

    def __enter__(self) -> Self:
        return self

    def write(self, image_bgr: Image, time_s: float) -> None:
        """Add a frame.

        Args:
            image_bgr: Image, shape (height, width, 3), uint8, BGR. The first one sets the size of
                the video; others are resized to it. It must not be modified afterwards.
            time_s: Presentation time in seconds; not earlier than that of the previous frame.

        Raises:
            DataError: The frame cannot be written.
        """
        if self._last is None:
            self._begin_s = time_s
        index = round((time_s - self._begin_s) * self._fps)
        longest = round(_LONGEST_HOLD_S * self._fps)
        if index - self._next_index > longest:
            self._begin_s += (index - self._next_index - longest) / self._fps
            index = self._next_index + longest
        if self._last is not None:
            self._hold(index)
        self._last = image_bgr

    def _hold(self, until: int) -> None:
        """Repeat the last frame up to the index of the next one."""
        while self._next_index < until:
            self._encode()
            self._next_index += 1

    def _encode(self) -> None:
        assert self._last is not None
        encoder = self._encoder or self._opened(self._last)
        image = self._last
        height, width = image.shape[:2]
        if (width, height) != self._size_wh:
            image = cv2.resize(image, self._size_wh)  # type: ignore[assignment]
        try:
            encoder.write(_with_even_sides(image))
        except EncoderError as error:
            raise self._error(str(error)) from error
        if self._next_index % _CHECKED_FRAMES == 0:
            free = shutil.disk_usage(self._target.parent).free
            if free < _LEAST_FREE_BYTES:
                raise self._error("the disk is full")

    def _opened(self, image: Image) -> VideoEncoder:
        height, width = image.shape[:2]
        self._size_wh = (width, height)
        if not self._target.parent.is_dir():
            raise self._error("the folder does not exist")
        self._partial = self._stack.enter_context(written_whole(self._target))
        self._native_name = self._stack.enter_context(native_path(self._partial))
        suffix = self._target.suffix.lower()
        h264 = None if suffix in MOTION_JPEG else find_h264()
        video = RawVideo((width + width % 2, height + height % 2), self._fps)
        try:
            encoder: VideoEncoder
            if h264 is None:
                encoder = OpenCvEncoder(self._native_name, suffix, video)
            else:
                encoder = ProgramEncoder(h264.command(video, self._partial), h264.program.name)
        except EncoderError as error:
            raise self._error(str(error)) from error
        self._encoder = encoder
        self._plays = h264 is not None or suffix in MOTION_JPEG
        self.encoder = f"{FOURCC[suffix]} of OpenCV" if h264 is None else str(h264)
        _log.info("%s: encoded by %s", self._target, self.encoder)
        return encoder

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> Path | None:
        """Finish the video and move it to its name.

        Returns:
            The file; None if no frame was written or a write failed earlier.

        Raises:
            DataError: The video is incomplete.
        """
        try:
            if self._last is not None and not self._failed:
                self._hold(self._next_index + 1)
            if self._partial is None or self._failed:
                self._discard()
                return None
            self._finish()
            self._check()
            self._add_sound()
        except BaseException:
            self._discard()
            raise
        # The frames so far are kept, whatever ended the video early.
        self._stack.close()
        return self._target

    def _finish(self) -> None:
        assert self._encoder is not None
        try:
            self._encoder.finish()
        except EncoderError as error:
            raise self._error(str(error)) from error

    def _discard(self) -> None:
        """Keep the previous file."""
        if self._encoder is not None:
            self._encoder.abort()
        discard(self._stack)

    def _check(self) -> None:
        """Count the frames of the finished file, as OpenCV does not report failed writes."""
        capture = cv2.VideoCapture(self._native_name)
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT) if capture.isOpened() else 0
        capture.release()
        # The count of a Matroska file is computed from its length, rounded to milliseconds.
        if count < 0.99 * self._next_index - 2:
            raise self._error("the file lacks frames; is the disk full?")

    def _add_sound(self) -> None:
        """Add the sound of the source, and note what the video lacks."""
        assert self._partial is not None
        reason = None
        if self._sound_from is not None:
            seconds = self._next_index / self._fps
            reason = add_sound(Sound(self._partial, self._sound_from, self._begin_s, seconds))
        lacks = [] if self._plays else ["is MPEG-4, which browsers do not play"]
        if reason is not None:
            lacks.append("has no sound" if reason == NO_PROGRAM else f"has no sound; {reason}")
        if not self._plays or reason == NO_PROGRAM:
            lacks[-1] += f"; install ffmpeg, or the extra video: {install_command('video')}"
        if lacks:
            self.note = f"{self._target}: {' and '.join(lacks)}"

    def _error(self, reason: str) -> DataError:
        self._failed = True
        return DataError(f"{self._target}: cannot write the video: {reason}")


def _with_even_sides(image_bgr: Image) -> Image:
    """Repeat the last column or row where a side is odd: chroma has half the resolution."""
    height, width = image_bgr.shape[:2]
    if not (height % 2 or width % 2):
        return image_bgr
    padded = cv2.copyMakeBorder(image_bgr, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    return cast(Image, padded)
