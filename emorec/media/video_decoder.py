"""Decoding of video files, cameras and network streams in this process, with presentation times."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Self, cast

import cv2

from emorec.errors import DataError
from emorec.frames import Frame
from emorec.images import Image
from emorec.media.addresses import is_camera, is_url, shown_name
from emorec.media.containers import Container, TrackFilter, read_container
from emorec.media.http_address import refusal
from emorec.media.native_paths import native_path
from emorec.media.pixel_shape import PixelShape
from emorec.media.video_tracks import VideoTrack

MAX_PIXELS = 2**26
"""Limit of the pixels per frame, checked before decoding; 8K has half of it."""

OPEN_TIMEOUT_S = 10
READ_TIMEOUT_S = 10
"""Seconds for a server to answer, and to send the next frame."""

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
        self._source = request.source
        self._buffer, self._alive = buffer, alive
        self.name = shown_name(self._source)
        self.problem: str | None = None
        self.gaps: list[tuple[float, float]] = []
        self._hidden: list[VideoTrack] = []
        self._streams: list[TrackFilter] = []
        self._container = Container()
        if not is_camera(self._source) and not is_url(self._source):
            with suppress(OSError), Path(self._source).open("rb") as file:
                self._container = read_container(file)
            self._hidden = self._other_tracks(self._container)
        self._capture = self._open()
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
        counted = finite and round(count) in self._container.frame_counts
        self.frame_count = round(count) if counted else None
        self.live = is_camera(self._source) or (is_url(self._source) and not finite)
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
        if self.live or is_url(self._source):
            return self._nominal_fps
        times: list[float] = []
        capture = self._open()
        while len(times) < _PROBED_FRAMES and _grab(capture):
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
            if not _grab(self._capture):
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
            attempts = self._request.reconnects if is_url(self._source) else 0
            tried = f"; reconnecting failed (attempts: {attempts})" if attempts else ""
            return f"{self.name}: the stream ended after {time_s:.1f} s{tried}"
        if self._container.missing_bytes:
            return (
                f"{self.name}: ends after {number} frames; the file is truncated: "
                f"{self._container.missing_bytes} bytes are missing at its end"
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
        if not number or not self.live or not is_url(self._source):
            return False
        for attempt in range(self._request.reconnects):
            end = time.monotonic() + RECONNECT_WAIT_S * 2**attempt
            while (left := end - time.monotonic()) > 0:
                self._alive()
                time.sleep(min(left, 0.5))
            self._capture.release()
            with suppress(DataError):
                self._capture = self._open()
                if _grab(self._capture):
                    self.gaps.append((round(last_s, 3), round(time.monotonic() - begin, 3)))
                    return True
        return False

    def _retrieved(self) -> Image | None:
        buffer = self._buffer()
        try:
            done, image = self._capture.retrieve(None if self._pixels.scaled else buffer)
        except cv2.error as error:
            _raise_memory_error(error)
            return None
        if not done or image is None or image.size == 0:
            return None
        if image.ndim == 2 or image.shape[2] == 1:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        return self._pixels.scale(cast(Image, image), buffer)

    def _other_tracks(self, container: Container) -> list[VideoTrack]:
        """Return all tracks but the largest that has more than one frame: others are covers."""
        by_size = sorted(container.tracks, key=lambda track: track.pixels, reverse=True)
        for track in by_size if len(by_size) > 1 else ():
            self._hidden = [other for other in by_size if other is not track]
            with suppress(DataError):
                capture = self._open()
                several = _grab(capture) and _grab(capture)
                capture.release()
                if several:
                    return self._hidden
        return []

    def _open(self) -> cv2.VideoCapture:
        if is_camera(self._source):
            device = f"/dev/video{int(self._source)}"
            if os.path.exists(device) and not os.access(device, os.R_OK | os.W_OK):  # noqa: PTH110
                question = f"no permission for {device}; add your user to the group video"
            else:
                question = "is it connected and not in use?"
            return self._opened(int(self._source), cv2.CAP_ANY, [], question)
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
            try:
                return self._opened(self._source, backend, options, question)
            except DataError as error:
                if self._source.lower().startswith("http") and (reason := refusal(self._source)):
                    raise DataError(reason) from error
                raise
        path = Path(self._source)
        question = "is it damaged or of another type?"
        if backend in cv2.videoio_registry.getStreamBufferedBackends():
            try:
                stream = TrackFilter(path.open("rb"), self._hidden)
            except OSError as error:
                raise DataError(f"{path}: {error.strerror or error}") from error
            # OpenCV drops its reference without holding the GIL: it must not be the last one.
            self._streams.append(stream)
            return self._opened(stream, backend, options, question)
        # An absolute path, as FFmpeg reads "concat:a|b" as a protocol.
        with native_path(path.absolute()) as name:
            return self._opened(name, backend, options, question)

    def _opened(
        self, target: str | int | TrackFilter, backend: int, options: list[int], question: str
    ) -> cv2.VideoCapture:
        what = "the camera" if isinstance(target, int) else "the video"
        try:
            capture = cv2.VideoCapture(target, backend, options)  # type: ignore[arg-type]
        except cv2.error as error:
            raise DataError(f"{self.name}: {what} cannot be opened ({error.err})") from error
        if not capture.isOpened():
            raise DataError(f"{self.name}: {what} cannot be opened; {question}")
        return capture


def check_file(path: Path) -> None:
    """Check that a video file can be read.

    Raises:
        DataError: It cannot.
    """
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
        raise DataError(f"{path}: {os.strerror(error.errno or 0)}") from error


def _grab(capture: cv2.VideoCapture) -> bool:
    try:
        return capture.grab()
    except cv2.error as error:
        _raise_memory_error(error)
        return False


def _raise_memory_error(error: cv2.error) -> None:
    if error.code == cv2.Error.STS_NO_MEM:
        raise MemoryError from error
