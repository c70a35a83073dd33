"""Reads the size and the video tracks of Matroska and WebM files (RFC 9559)."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from emorec.media.video_tracks import VideoTrack

MAGIC = b"\x1a\x45\xdf\xa3"
"""First bytes of the files."""

_SEGMENT = 0x18538067
_CLUSTER = 0x1F43B675
_TRACKS, _TRACK_ENTRY, _TRACK_TYPE = 0x1654AE6B, 0xAE, 0x83
_VIDEO, _PIXEL_WIDTH, _PIXEL_HEIGHT = 0xE0, 0xB0, 0xBA

_VIDEO_TYPE = 1
_CONTROL_TYPE = b"\x20"
"""Type of a track that players pass over."""

_MAX_TRACKS_BYTES = 2**24
_MAX_ELEMENTS = 10_000


class _Element(NamedTuple):
    """An element: its id, the position of its content and of its end; -1 if that is unknown."""

    id: int
    start: int
    end: int


def read_segment(file: BinaryIO, size: int) -> tuple[int, list[VideoTrack]]:
    """Read where the segment ends, and its video tracks.

    Args:
        file: The file.
        size: Its size in bytes.

    Returns:
        The position at which the file ends according to its header, 0 if unknown, as in a live
        recording; and the video tracks.

    Raises:
        OSError: The file cannot be read.
    """
    at = 0
    for _ in range(_MAX_ELEMENTS):
        file.seek(at)
        element = _parse(file.read(12), at)
        if element is None:
            return 0, []
        if element.id == _SEGMENT:
            return max(element.end, 0), _read_tracks(file, element.start, size)
        if element.end < 0:
            return 0, []
        at = element.end
    return 0, []


def _read_tracks(file: BinaryIO, at: int, size: int) -> list[VideoTrack]:
    for _ in range(_MAX_ELEMENTS):
        file.seek(at)
        element = _parse(file.read(12), at)
        if element is None or element.id == _CLUSTER or not at < element.end <= size:
            return []
        if element.id == _TRACKS:
            if element.end - element.start > _MAX_TRACKS_BYTES:
                return []
            file.seek(element.start)
            data = file.read(element.end - element.start)
            entries = [entry for entry in _children(data) if entry.id == _TRACK_ENTRY]
            tracks = (_read_track(data[entry.start : entry.end], entry.start) for entry in entries)
            found = [track for track in tracks if track is not None]
            return [
                VideoTrack(track.pixels, track.offset + element.start, track.hiding_bytes)
                for track in found
            ]
        at = element.end
    return []


def _read_track(data: bytes, offset: int) -> VideoTrack | None:
    """Read a track entry; None if it is no video."""
    kind = sides = None
    for element in _children(data):
        if element.id == _TRACK_TYPE and element.end - element.start == 1:
            kind = element
        elif element.id == _VIDEO:
            inside = data[element.start : element.end]
            sides = {
                child.id: int.from_bytes(inside[child.start : child.end], "big")
                for child in _children(inside)
            }
    if kind is None or data[kind.start] != _VIDEO_TYPE:
        return None
    pixels = sides.get(_PIXEL_WIDTH, 0) * sides.get(_PIXEL_HEIGHT, 0) if sides else 0
    return VideoTrack(pixels, offset + kind.start, _CONTROL_TYPE)


def _children(data: bytes) -> Iterator[_Element]:
    at = 0
    for _ in range(_MAX_ELEMENTS):
        element = _parse(data[at : at + 12], at)
        if element is None or not at < element.end <= len(data):
            return
        yield element
        at = element.end


def _parse(head: bytes, at: int) -> _Element | None:
    """Parse the id and the size of an element, at most 12 bytes; None if they are invalid."""
    if not head or head[0] < 0x10:
        return None
    id_length = 9 - head[0].bit_length()
    if len(head) <= id_length or head[id_length] == 0:
        return None
    size_length = 9 - head[id_length].bit_length()
    start = id_length + size_length
    if len(head) < start:
        return None
    mask = (1 << (7 * size_length)) - 1
    size = int.from_bytes(head[id_length:start], "big") & mask
    end = -1 if size == mask else at + start + size
    return _Element(int.from_bytes(head[:id_length], "big"), at + start, end)
