"""Reading of video files, cameras and network streams, with presentation times."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from emorec.errors import ConfigError, DataError
from emorec.frames import Frame
from emorec.media.addresses import is_camera, is_url, shown_name
from emorec.media.video_decoder import VideoRequest
from emorec.media.video_input import check_file
from emorec.media.video_process import VideoProcess

TIMEOUT_S = 20.0
"""Time without a frame of a file, in seconds, after which its decoder is ended."""

LIVE_TIMEOUT_S = 60.0
"""The same for cameras and streams, which take time to connect."""

RECONNECTS = 3
"""Attempts to reconnect to a stream that dropped, by default."""


class VideoReader:
    """Iterator over the frames of a video; use it in a `with` block.

    Frames are upright, and those with non-square pixels have the display aspect ratio. Of several
    video tracks in a Matroska, MP4 or MOV file the largest is read that is not a cover image.
    Damaged frames are skipped, and a truncated file yields the frames it has; afterwards `problem`
    describes that. Decoding runs in a child process: if it crashes, hangs or needs too much memory,
    the frames so far are yielded and a `DataError` follows.

    Args:
        source: Path of a file, camera number ("0") or address (rtsp, http, ...).
        every: Yield only the frames whose number is a multiple of this.
        start_s: Skip frames before this time, in seconds from the first frame. They are decoded
            nevertheless, to count frames correctly in files of variable frame rate.
        end_s: Stop at this time; None reads to the end.
        reconnects: Attempts to reconnect to a network stream that dropped, each after twice the
            time; 0 ends with the stream. They are counted from 0 again once a frame has come.

    Attributes:
        name: Name of the source in messages.
        live: The source is a camera or an endless stream: it does not wait for a slow reader, and
            its times are those of arrival.
        size_wh: Width and height of the upright frames in pixels.
        frame_count: Number of frames in the index of the file; None if it has none.
        fps: Frame rate in frames per second, before `every` is applied.
        problem: Damage in the part read so far; None if there is no damage.
        gaps: Begin and end, in seconds, of the gaps in which a stream was reconnected.

    Raises:
        DataError: The source cannot be opened, is not a video, or has too large frames.
        ConfigError: A value is out of range.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | int,
        every: int = 1,
        start_s: float = 0.0,
        end_s: float | None = None,
        reconnects: int = RECONNECTS,
    ) -> None:
        if every < 1:
            raise ConfigError(f"every must be 1 or more; received {every}")
        if not 0 <= start_s < math.inf or (end_s is not None and not start_s < end_s):
            raise ConfigError(
                f"start_s must be 0 or more and before end_s; received {start_s:g} and {end_s}"
            )
        if reconnects < 0:
            raise ConfigError(f"reconnects must be 0 or more; received {reconnects}")
        name = str(source) if isinstance(source, int) else os.fspath(source)
        self.name = shown_name(name)
        timeout_s = LIVE_TIMEOUT_S
        if not is_camera(name) and not is_url(name):
            check_file(Path(name))
            timeout_s = TIMEOUT_S
        self.problem: str | None = None
        self.gaps: list[tuple[float, float]] = []
        self._request = VideoRequest(name, every, start_s, end_s, reconnects)
        self._process = VideoProcess(self._request, self.name, timeout_s)
        try:
            header = self._receive()
        except BaseException:
            self.close()
            raise
        width, height = header["size_wh"]
        self.size_wh: tuple[int, int] = (width, height)
        self.frame_count: int | None = header["frame_count"]
        self.live: bool = header["live"]
        self.fps: float = header["fps"]

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
        self._process.close()

    @property
    def expected_frames(self) -> int | None:
        """Number of frames to read, according to the index of the file; None without an index."""
        if self.frame_count is None:
            return None
        request = self._request
        end = self.frame_count if request.end_s is None else request.end_s * self.fps
        selected = min(end, self.frame_count) - request.start_s * self.fps
        return max(math.ceil(selected / request.every), 0)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; possible only once, as a video is read forwards only.

        Raises:
            DataError: The video has no readable frame, or none in the requested part, or the
                decoder crashed, hung or needed too much memory.
        """
        while "end" not in (message := self._receive()):
            image_bgr = message["image_bgr"]
            height, width = image_bgr.shape[:2]
            yield Frame(image_bgr, (width, height), message["number"], message["time_s"])

    def _receive(self) -> dict[str, Any]:
        message = self._process.receive()
        self.problem = message.get("problem", self.problem)
        self.gaps = [(begin, end) for begin, end in message.get("gaps", self.gaps)]
        if "error" in message:
            raise DataError(message["error"])
        return message
