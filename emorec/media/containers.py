"""Facts that a video container states about itself: index, tracks and sizes, without decoding.

OpenCV computes the number of frames from duration and rate where the container has no index, which
is wrong at a variable rate. Only what a container states is used here.
"""

import io
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from emorec.media import matroska, mp4_boxes
from emorec.media.video_tracks import VideoTrack

_MAX_INDEX_BYTES = 2**26
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
    ends = [end for kind, _, end in _chunks(file, 0) if kind == b"RIFF"]
    index = next(((start, end) for kind, start, end in _chunks(file, 12) if kind == b"idx1"), None)
    counts: Counter[bytes] = Counter()
    if len(ends) == 1 and index is not None and index[1] - index[0] <= _MAX_INDEX_BYTES:
        file.seek(index[0])
        entries = file.read(index[1] - index[0])
        for at in range(0, len(entries) - 15, 16):
            # Repeated frames have chunks without content, and the header counts them.
            if entries[at + 2 : at + 4] in (b"dc", b"db") and any(entries[at + 12 : at + 16]):
                counts[entries[at : at + 2]] += 1
    return Container(frozenset(counts.values()), max(max(ends, default=0) - size, 0))


def _chunks(file: BinaryIO, at: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, beginning and end of the content of each RIFF chunk from a position on."""
    for _ in range(_MAX_CHUNKS):
        file.seek(at)
        head = file.read(8)
        length = int.from_bytes(head[4:], "little")
        # A recorder that was killed leaves a length of 0 or of all ones.
        if len(head) < 8 or length in (0, 2**32 - 1):
            return
        yield head[:4], at + 8, at + 8 + length
        at += 8 + length + length % 2


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
