"""Reading of video files, cameras and network streams, with presentation times."""

import math
import os
import time
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import cv2

from emorec.errors import ConfigError, DataError
from emorec.frames import Frame
from emorec.images import Image
from emorec.media.addresses import is_camera, is_url, shown_name

MAX_PIXELS = 2**26
"""Limit of the pixels per frame, checked before decoding; 8K has half of it."""

OPEN_TIMEOUT_S = 10
READ_TIMEOUT_S = 10
"""Seconds for a server to answer, and to send the next frame."""

_RETRIES = 100
"""Consecutive failed frames that end a file; fewer are skipped as damaged."""

_UNKNOWN_FPS = 25.0
_PROBED_FRAMES = 25
_EVEN_S = 0.0025
"""Jitter of the frame intervals in a container that rounds times to milliseconds."""
_RATE_ERROR = 0.005


class VideoReader:
    """Iterator over the frames of a video; use it in a `with` block.

    Damaged frames are skipped, and a truncated file yields the frames it has; afterwards `problem`
    describes that. Frames are rotated upright according to the metadata of the file.

    Args:
        source: Path of a file, camera number ("0") or address (rtsp, http, ...).
        every: Yield only the frames whose number is a multiple of this.
        start_s: Skip frames before this time, in seconds from the first frame. They are decoded
            nevertheless, to count frames correctly in files of variable frame rate.
        end_s: Stop at this time; None reads to the end.

    Attributes:
        name: Name of the source in messages.
        live: The source is a camera or an endless stream: it does not wait for a slow reader, and
            its times are those of arrival.
        size_wh: Width and height of the upright frames in pixels.
        frame_count: Number of frames according to the file, often an estimate; None if unknown.
        problem: Damage in the part read so far; None if there is no damage.

    Raises:
        DataError: The source cannot be opened, is not a video, or has frames above `MAX_PIXELS`.
        ConfigError: A value is out of range.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | int,
        every: int = 1,
        start_s: float = 0.0,
        end_s: float | None = None,
    ) -> None:
        if every < 1:
            raise ConfigError(f"every must be 1 or more; received {every}")
        if not 0 <= start_s < math.inf or (end_s is not None and not start_s < end_s):
            raise ConfigError(
                f"start_s must be 0 or more and before end_s; received {start_s:g} and {end_s}"
            )
        self._source = str(source) if isinstance(source, int) else os.fspath(source)
        self.name = shown_name(self._source)
        self.problem: str | None = None
        self._every, self._start_s, self._end_s = every, start_s, end_s
        self._capture = self._open()
        width, height = (
            round(self._capture.get(key))
            for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        if width * height > MAX_PIXELS:
            self.close()
            raise DataError(
                f"{self.name}: frames of {width}x{height} pixels; the limit is "
                f"{MAX_PIXELS / 1e6:.0f} million"
            )
        self.size_wh = (width, height)
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.frame_count = round(count) if 0 < count < 2**53 else None
        self.live = is_camera(self._source) or (is_url(self._source) and self.frame_count is None)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self._nominal_fps = rate if 0 < rate <= 1000 else _UNKNOWN_FPS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file or device."""
        self._capture.release()

    @cached_property
    def fps(self) -> float:
        """Frame rate in frames per second, before `every` is applied.

        The rate in a file is the mean over its length, which is wrong after a gap or with a long
        last frame; a constant rate measured at the start is more reliable.
        """
        if self.live or is_url(self._source):
            return self._nominal_fps
        times: list[float] = []
        capture = self._open()
        while len(times) < _PROBED_FRAMES and capture.grab():
            times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        capture.release()
        gaps = [later - earlier for earlier, later in pairwise(times)]
        if len(gaps) < 2 or min(gaps) <= 0 or max(gaps) - min(gaps) > _EVEN_S:
            return self._nominal_fps
        measured = len(gaps) / (times[-1] - times[0])
        agrees = abs(measured / self._nominal_fps - 1) <= _RATE_ERROR
        return self._nominal_fps if agrees else measured

    @property
    def expected_frames(self) -> int | None:
        """Expected number of frames to read, according to the file; None if unknown."""
        if self.frame_count is None:
            return None
        end = self.frame_count if self._end_s is None else self._end_s * self._nominal_fps
        selected = min(end, self.frame_count) - self._start_s * self._nominal_fps
        return max(math.ceil(selected / self._every), 0)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; possible only once, as a video is read forwards only.

        Raises:
            DataError: The video has no readable frame, or none in the requested part.
        """
        count = 0
        last_s = 0.0
        for number, time_s in self._grabbed():
            last_s = time_s
            if self._end_s is not None and time_s >= self._end_s:
                break
            if number % self._every or time_s < self._start_s:
                continue
            image_bgr = self._retrieved()
            if image_bgr is None:
                self.problem = f"{self.name}: damaged frames were skipped"
                continue
            count += 1
            height, width = image_bgr.shape[:2]
            yield Frame(image_bgr, (width, height), number, time_s)
        if not count:
            raise DataError(
                self.problem
                or f"{self.name}: no frame in the requested part; the video is {last_s:.1f} s long"
            )

    def _grabbed(self) -> Iterator[tuple[int, float]]:
        """Decode frame after frame; yields the number and time of each."""
        number = failed = skipped = 0
        time_s = 0.0
        begin = time.monotonic()
        while failed <= (0 if self.live else _RETRIES):
            if not self._grab():
                failed += 1
                continue
            if number:  # failures before the first frame of a stream do not count
                skipped, number = skipped + failed, number + failed
            failed = 0
            if skipped:
                self.problem = f"{self.name}: skipped about {skipped} damaged frames"
            if self.live:
                now_s = time.monotonic() - begin if number else 0.0
                begin = begin if number else time.monotonic()
            else:
                now_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            # Some streams have no times, or times that decrease.
            after = time_s + 1 / self._nominal_fps
            time_s = now_s if number == 0 or now_s > time_s else after
            yield number, round(time_s, 6)
            number += 1
        if number == 0:
            self.problem = f"{self.name}: no frame can be read; is the video damaged?"
        elif self.live:
            self.problem = f"{self.name}: the stream ended after {time_s:.1f} s"
        elif self.frame_count is not None and number < 0.98 * self.frame_count - 2:
            self.problem = (
                f"{self.name}: ends after {number} of about {self.frame_count} frames; "
                "the file is damaged or truncated"
            )

    def _grab(self) -> bool:
        try:
            return self._capture.grab()
        except cv2.error:
            return False

    def _retrieved(self) -> Image | None:
        try:
            done, image = self._capture.retrieve()
        except cv2.error:
            return None
        if not done or image is None or image.size == 0:
            return None
        if image.ndim == 2 or image.shape[2] == 1:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        return cast(Image, image)

    def _open(self) -> cv2.VideoCapture:
        if is_camera(self._source):
            return self._opened(
                int(self._source), cv2.CAP_ANY, [], "is it connected and not in use?"
            )
        # Other backends read a file name as a pattern, or a file as a list of images.
        ffmpeg = cv2.videoio_registry.hasBackend(cv2.CAP_FFMPEG)
        backend = cv2.CAP_FFMPEG if ffmpeg else cv2.CAP_ANY
        waits = {
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: OPEN_TIMEOUT_S * 1000,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC: READ_TIMEOUT_S * 1000,
        }
        options = [value for pair in waits.items() for value in pair] if ffmpeg else []
        if is_url(self._source):
            question = f"does it answer within {OPEN_TIMEOUT_S} s?"
            return self._opened(self._source, backend, options, question)
        path = Path(self._source)
        try:
            if not path.exists():
                raise DataError(f"{path}: no such file")
            if not path.is_file():
                raise DataError(f"{path}: not a regular file")
            if path.stat().st_size == 0:
                raise DataError(f"{path}: the file is empty (0 bytes)")
            with path.open("rb"):
                pass
        except OSError as error:
            raise DataError(f"{path}: {error.strerror or error}") from error
        # An absolute path, as FFmpeg reads "concat:a|b" as a protocol.
        question = "is it damaged or of another type?"
        return self._opened(str(path.absolute()), backend, options, question)

    def _opened(
        self, target: str | int, backend: int, options: list[int], question: str
    ) -> cv2.VideoCapture:
        what = "the camera" if isinstance(target, int) else "the video"
        try:
            capture = cv2.VideoCapture(target, backend, options)
        except cv2.error as error:
            raise DataError(f"{self.name}: {what} cannot be opened ({error.err})") from error
        if not capture.isOpened():
            raise DataError(f"{self.name}: {what} cannot be opened; {question}")
        return capture
