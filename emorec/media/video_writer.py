"""Atomic writing of videos at a constant frame rate, with the sound of their source."""

import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2

from emorec.atomic_files import discard, temporary_file, written_whole
from emorec.errors import ConfigError, DataError
from emorec.images import Image
from emorec.media.native_paths import native_path

CODECS = {".avi": "MJPG", ".m4v": "mp4v", ".mkv": "mp4v", ".mov": "mp4v", ".mp4": "mp4v"}
"""Codec (FourCC) by file suffix; every build of OpenCV can write these."""

_LONGEST_HOLD_S = 60.0
"""Longest time one frame is repeated; a longer gap in the source's times is likely an error."""

_CHECKED_FRAMES = 100
_LEAST_FREE_BYTES = 4 * 2**20

_SOUND_TIMEOUT_S = 3600


class VideoWriter:
    """Writer of a video of constant frame rate; use it in a `with` block.

    Each frame is shown until the time of the next one: for a source of variable frame rate, frames
    are repeated or dropped to keep image and sound in sync. The file appears under its name when
    the block ends. If Ctrl-C or an error elsewhere ends it, the file holds the frames so far.

    Args:
        target: File to write; its suffix is one of `CODECS`.
        fps: Frames per second, above 0, up to 240.
        sound_from: Video file whose sound is copied; needs the program ffmpeg.

    Attributes:
        note: Why the finished video lacks the requested sound; None if it has it.

    Raises:
        ConfigError: The suffix is unknown or the rate out of range.
    """

    def __init__(self, target: Path, fps: float, sound_from: Path | None = None) -> None:
        if target.suffix.lower() not in CODECS:
            known = ", ".join(CODECS)
            raise ConfigError(f"{target}: unknown suffix of a video; use one of {known}")
        if not 0 < fps <= 240:
            raise ConfigError(f"fps must be above 0, up to 240; received {fps:g}")
        self._target = target
        # MPEG-4 divides a second into at most 65,535 time steps.
        self._fps = round(fps, 3 if fps < 65 else 2)
        self._sound_from = sound_from
        self._stack = ExitStack()
        self._partial: Path | None = None
        self._encoder: cv2.VideoWriter | None = None
        self._native_name = ""
        self._size_wh = (0, 0)
        self._begin_s = 0.0
        self._last: Image | None = None
        self._next_index = 0
        self._failed = False
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
            encoder.write(image)
        except cv2.error as error:
            raise self._error(f"the codec failed ({error.err})") from error
        # OpenCV does not report failed writes.
        if self._next_index % _CHECKED_FRAMES == 0:
            free = shutil.disk_usage(self._target.parent).free
            if free < _LEAST_FREE_BYTES:
                raise self._error("the disk is full")

    def _opened(self, image: Image) -> cv2.VideoWriter:
        height, width = image.shape[:2]
        self._size_wh = (width, height)
        if not self._target.parent.is_dir():
            raise self._error("the folder does not exist")
        self._partial = self._stack.enter_context(written_whole(self._target))
        code = cv2.VideoWriter.fourcc(*CODECS[self._target.suffix.lower()])
        self._native_name = self._stack.enter_context(native_path(self._partial))
        encoder = cv2.VideoWriter(self._native_name, code, self._fps, self._size_wh)
        self._encoder = encoder
        if not encoder.isOpened():
            raise self._error(
                f"OpenCV cannot write {width}x{height} pixels at {self._fps:g} frames/s there"
            )
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
        if self._last is not None and not self._failed:
            self._hold(self._next_index + 1)
        if self._encoder is not None:
            self._encoder.release()
        if self._partial is None or self._failed:
            self._discard()
            return None
        try:
            self._check()
            self._add_sound()
        except BaseException:
            self._discard()
            raise
        # The frames so far are kept, whatever ended the video early.
        self._stack.close()
        return self._target

    def _discard(self) -> None:
        """Keep the previous file."""
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
        if self._sound_from is None:
            return
        ffmpeg = shutil.which("ffmpeg")
        if ffmpeg is None:
            self.note = f"{self._target}: has no sound; install ffmpeg to copy it"
            return
        assert self._partial is not None
        try:
            with temporary_file(self._partial) as with_sound:
                reason = self._copy_sound(ffmpeg, self._sound_from, self._partial, with_sound)
                if reason is None:
                    with_sound.replace(self._partial)
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = str(error)
        if reason is not None:
            self.note = f"{self._target}: has no sound; ffmpeg failed to copy it ({reason})"

    def _copy_sound(
        self, ffmpeg: str, sound_from: Path, video: Path, with_sound: Path
    ) -> str | None:
        """Write the video with the sound of the source; return why that failed, or None.

        Raises:
            OSError, subprocess.TimeoutExpired: ffmpeg cannot be started, or hangs.
        """
        seconds = self._next_index / self._fps
        inputs = ["-i", f"file:{video.absolute()}"]
        inputs += ["-ss", f"{self._begin_s:.3f}", "-i", f"file:{sound_from.absolute()}"]
        reason = ""
        # Sound that the container does not support is re-encoded.
        for codec in ("copy", "aac"):
            command = [ffmpeg, "-nostdin", "-v", "error", "-y", *inputs]
            command += ["-map", "0:v:0", "-map", "1:a?", "-c:v", "copy", "-c:a", codec]
            command += ["-t", f"{seconds:.3f}", f"file:{with_sound.absolute()}"]
            # Ctrl-C ends the video early and must not end ffmpeg as well.
            done = subprocess.run(
                command,
                capture_output=True,
                timeout=_SOUND_TIMEOUT_S,
                check=False,
                start_new_session=True,
            )
            if done.returncode == 0:
                return None
            reason = (done.stderr.decode(errors="replace").splitlines() or [""])[-1].strip()
        return reason

    def _error(self, reason: str) -> DataError:
        self._failed = True
        return DataError(f"{self._target}: cannot write the video: {reason}")
