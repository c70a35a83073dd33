"""Decoding of video files, cameras and network streams in this process, with presentation times."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from typing import Self, cast

import cv2

from emorec.errors import DataError
from emorec.frames import Frame
from emorec.images import Image
from emorec.media.pixel_shape import PixelShape
from emorec.media.video_input import VideoInput, grab, raise_memory_error

MAX_PIXELS = 2**26
"""Limit of the pixels per frame, checked before decoding; 8K has half of it."""

RECONNECT_WAIT_S = 1.0
"""Time before the first attempt to reconnect to a stream; it doubles with each attempt."""

_RETRIES = 100
"""Consecutive failed frames that end a file; fewer are skipped as damaged."""

_UNKNOWN_FPS = 25.0
_PROBED_FRAMES = 25
_EVEN_S = 0.0025
"""Jitter of the frame intervals in a container that rounds times to milliseconds."""
_RATE_ERROR = 0.005


@dataclass(frozen=True)
class VideoRequest:
    """What to decode; the fields are those of `VideoReader`."""

    source: str
    every: int = 1
    start_s: float = 0.0
    end_s: float | None = None
    reconnects: int = 0

    def to_json(self) -> str:
        """Convert to JSON; lone surrogates in the name are escaped."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Convert from JSON."""
        return cls(**json.loads(text))


class VideoDecoder:
    """Iterator over the frames of a source; `VideoReader` documents attributes and errors.

    Args:
        request: What to decode.
        buffer: Returns the array into which the next frame is decoded, if it has the same shape;
            None decodes each frame into a new array.
        alive: Called at least once a frame, also for the frames that are not yielded.

    Raises:
        DataError: As for `VideoReader`.
        MemoryError: Decoding needs more memory than the process may take; also while iterating.
    """

    def __init__(
        self,
        request: VideoRequest,
        buffer: Callable[[], Image | None] = lambda: None,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._request = request
        self._input = VideoInput(request.source)
        self._buffer, self._alive = buffer, alive
        self.name = self._input.name
        self.problem: str | None = None
        self.gaps: list[tuple[float, float]] = []
        self._capture = self._input.open()
        self._pixels = PixelShape.of(self._capture)
        self.size_wh = self._pixels.displayed(
            round(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            round(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        if self.size_wh[0] * self.size_wh[1] > MAX_PIXELS:
            self._capture.release()
            raise DataError(
                f"{self.name}: frames of {self.size_wh[0]}x{self.size_wh[1]} pixels; the limit is "
                f"{MAX_PIXELS / 1e6:.0f} million"
            )
        # Without an index this is computed from duration and rate, which does not count frames.
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        finite = 0 < count < 2**53
        counted = finite and round(count) in self._input.container.frame_counts
        self.frame_count = round(count) if counted else None
        self.live = not self._input.is_file and not (self._input.is_url and finite)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self._nominal_fps = rate if 0 < rate <= 1000 else _UNKNOWN_FPS

    def close(self) -> None:
        """Release the file or device."""
        self._capture.release()

    @cached_property
    def fps(self) -> float:
        """Frame rate in frames per second, before `every` is applied.

        The rate in a file is the mean over its length, which is wrong after a gap or with a long
        last frame; a constant rate measured at the start is more reliable.
        """
        if self.live or self._input.is_url:
            return self._nominal_fps
        times: list[float] = []
        capture = self._input.open()
        while len(times) < _PROBED_FRAMES and grab(capture):
            times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            self._alive()
        capture.release()
        gaps = [later - earlier for earlier, later in pairwise(times)]
        if len(gaps) < 2 or min(gaps) <= 0 or max(gaps) - min(gaps) > _EVEN_S:
            return self._nominal_fps
        measured = len(gaps) / (times[-1] - times[0])
        agrees = abs(measured / self._nominal_fps - 1) <= _RATE_ERROR
        return self._nominal_fps if agrees else measured

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames, once."""
        request = self._request
        count = 0
        last_s = 0.0
        for number, time_s in self._grabbed():
            self._alive()
            last_s = time_s
            if request.end_s is not None and time_s >= request.end_s:
                break
            if number % request.every or time_s < request.start_s:
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
        while failed <= (0 if self.live else _RETRIES) or self._reconnected(number, time_s, begin):
            if not grab(self._capture):
                failed += 1
                self._alive()
                continue
            if number:  # failures before the first frame of a stream do not count
                lost = 0 if self.live else failed
                skipped, number = skipped + lost, number + lost
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
        self.problem = self._end_problem(number, time_s) or self.problem

    def _end_problem(self, number: int, time_s: float) -> str | None:
        """Return what is wrong with an end after `number` frames; None if it is the video's end."""
        if number == 0:
            return f"{self.name}: no frame can be read; is the video damaged?"
        if self.live:
            attempts = self._request.reconnects if self._input.is_url else 0
            tried = f"; reconnecting failed (attempts: {attempts})" if attempts else ""
            return f"{self.name}: the stream ended after {time_s:.1f} s{tried}"
        if self._input.container.missing_bytes:
            return (
                f"{self.name}: ends after {number} frames; the file is truncated: "
                f"{self._input.container.missing_bytes} bytes are missing at its end"
            )
        if self.frame_count is not None and number < 0.98 * self.frame_count - 2:
            return (
                f"{self.name}: ends after {number} of {self.frame_count} frames; "
                "the file is damaged or truncated"
            )
        return None

    def _reconnected(self, number: int, last_s: float, begin: float) -> bool:
        """Try to open a dropped network stream again; report whether that succeeded.

        Args:
            number: Number of frames so far.
            last_s: Time of the last one.
            begin: Clock at the first one.
        """
        if not number or not self.live or not self._input.is_url:
            return False
        for attempt in range(self._request.reconnects):
            end = time.monotonic() + RECONNECT_WAIT_S * 2**attempt
            while (left := end - time.monotonic()) > 0:
                self._alive()
                time.sleep(min(left, 0.5))
            self._capture.release()
            with suppress(DataError):
                self._capture = self._input.open()
                if grab(self._capture):
                    self.gaps.append((round(last_s, 3), round(time.monotonic() - begin, 3)))
                    return True
        return False

    def _retrieved(self) -> Image | None:
        buffer = self._buffer()
        try:
            done, image = self._capture.retrieve(None if self._pixels.scaled else buffer)
        except cv2.error as error:
            raise_memory_error(error)
            return None
        if not done or image is None or image.size == 0:
            return None
        if image.ndim == 2 or image.shape[2] == 1:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        return self._pixels.scale(cast(Image, image), buffer)
