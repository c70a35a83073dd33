"""Facts that a video container states about itself: index, tracks and sizes, without decoding.

OpenCV computes the number of frames from duration and rate where the container has no index, which
is wrong at a variable rate. Only what a container states is used here.
"""

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from emorec.media import matroska, mp4_boxes
from emorec.media.video_tracks import VideoTrack

_AVI_HEADER_BYTES = 2**16
_MAX_CHUNKS = 1000


@dataclass(frozen=True)
class Container:
    """What a container states.

    Attributes:
        frame_counts: Number of frames in the index of each video track; empty if there is no index.
        missing_bytes: Bytes that the container states and the file lacks: it is cut off.
        tracks: The video tracks; empty if the container is not one whose tracks are known here.
    """

    frame_counts: frozenset[int] = frozenset()
    missing_bytes: int = 0
    tracks: Sequence[VideoTrack] = ()


def read_container(file: BinaryIO) -> Container:
    """Read what a container states about itself.

    Args:
        file: A video file, opened for reading.

    Returns:
        The facts; none of them for a container that states none, such as MPEG-TS.

    Raises:
        OSError: The file cannot be read.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(12)
    if start[:4] == b"RIFF" and start[8:] == b"AVI ":
        return _read_avi(file, size)
    if start[:4] == matroska.MAGIC:
        end, tracks = matroska.read_segment(file, size)
        return Container(missing_bytes=max(end - size, 0), tracks=tracks)
    if start[4:8] in mp4_boxes.FIRST_BOXES:
        end, tracks = mp4_boxes.read_movie(file, size)
        counts = frozenset(track.frames for track in tracks if track.frames)
        return Container(counts, max(end - size, 0), tracks)
    return Container()


def _read_avi(file: BinaryIO, size: int) -> Container:
    """Read the RIFF chunks of an AVI file, of which one above 1 GiB has several."""
    end = 0
    for _ in range(_MAX_CHUNKS):
        file.seek(end)
        head = file.read(8)
        length = int.from_bytes(head[4:], "little")
        # A recorder that was killed leaves a length of 0 or of all ones.
        if len(head) < 8 or head[:4] != b"RIFF" or length in (0, 2**32 - 1):
            break
        end += 8 + length + length % 2
    file.seek(0)
    counts = frozenset(_avi_counts(file.read(_AVI_HEADER_BYTES)))
    return Container(counts, max(end - 1 - size, 0))


def _avi_counts(header: bytes) -> Iterator[int]:
    """Yield the length in the header of each video stream that has one."""
    at = header.find(b"strh")
    while at >= 0:
        count = int.from_bytes(header[at + 40 : at + 44], "little")
        if header[at + 8 : at + 12] == b"vids" and count:
            yield count
        at = header.find(b"strh", at + 4)


class TrackFilter(io.BufferedIOBase):
    """A video file in which some tracks are hidden: decoders pass over them.

    OpenCV decodes the first video track, and cannot select another one. It reads this stream
    instead of a path: a path must be valid UTF-8, else OpenCV crashes.

    Args:
        file: The file.
        hidden: The tracks to hide.
    """

    def __init__(self, file: BinaryIO, hidden: Sequence[VideoTrack] = ()) -> None:
        self._file = file
        self._changes = [(track.offset, track.hiding_bytes) for track in hidden]

    def readable(self) -> bool:
        """Report that the stream can be read."""
        return True

    def seekable(self) -> bool:
        """Report that the stream can be sought."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes; an input error reads as the end, as OpenCV would crash."""
        try:
            start = self._file.tell()
            data = self._file.read(-1 if size is None else size)
        except OSError:
            return b""
        for offset, changed in self._changes:
            if start < offset + len(changed) and offset < start + len(data):
                data = _overwritten(data, offset - start, changed)
        return data

    def readinto(self, buffer, /) -> int:  # type: ignore[no-untyped-def]
        """Read into a buffer."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move to a position; an invalid one is ignored, as OpenCV would crash."""
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError):
            return -1

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def _overwritten(data: bytes, at: int, changed: bytes) -> bytes:
    """Replace the bytes from `at`, which may lie partly outside."""
    first, last = max(at, 0), min(at + len(changed), len(data))
    return data[:first] + changed[first - at : last - at] + data[last:]
