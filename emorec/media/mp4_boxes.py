"""Reads the size, the index and the video tracks of MP4 and MOV files (ISO/IEC 14496-12)."""

from collections.abc import Iterator
from typing import BinaryIO

from emorec.iso_boxes import boxes, find_box, integer, parse_box
from emorec.media.video_tracks import VideoTrack

FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
"""Types of boxes with which a file starts."""

_DATA_BOXES = (b"mdat", b"moov", b"moof")
_MAX_MOVIE_BYTES = 2**26
_MAX_BOXES = 100_000

_WHOLE = 0.98
"""Part of a track that an edit list must show, or the index counts frames that are not shown."""


def read_movie(file: BinaryIO, size: int) -> tuple[int, list[VideoTrack]]:
    """Read where the file ends according to its boxes, and its video tracks.

    Args:
        file: The file.
        size: Its size in bytes.

    Returns:
        The end of the last box with frames or with the index; and the video tracks.

    Raises:
        OSError: The file cannot be read.
    """
    end = at = 0
    fragmented = False
    tracks: list[VideoTrack] = []
    for _ in range(_MAX_BOXES):
        file.seek(at)
        box = parse_box(file.read(16), at, size)
        if box is None:
            break
        if box.kind in _DATA_BOXES:
            end = box.end
        fragmented |= box.kind == b"moof"
        if box.kind == b"moov" and box.end <= size and box.end - box.start <= _MAX_MOVIE_BYTES:
            file.seek(box.start)
            tracks = list(_read_tracks(memoryview(file.read(box.end - box.start)), box.start))
        at = box.end
    if fragmented:  # the index of the movie counts none of the frames in fragments
        tracks = [VideoTrack(track.pixels, track.offset, track.hiding_bytes) for track in tracks]
    return end, tracks


def _read_tracks(movie: memoryview, offset: int) -> Iterator[VideoTrack]:
    scale = 0
    for box in boxes(movie):
        if box.kind == b"mvhd":
            scale = _times(movie[box.start : box.end])[0]
        elif box.kind == b"trak":
            track = _read_track(movie[box.start : box.end], offset + box.begin + 4, scale)
            if track is not None:
                yield track


def _read_track(data: memoryview, offset: int, movie_scale: int) -> VideoTrack | None:
    """Read a track box; None if it is no video."""
    if bytes(find_box(data, b"mdia", b"hdlr")[8:12]) != b"vide":
        return None
    table = find_box(data, b"mdia", b"minf", b"stbl")
    entry = find_box(table, b"stsd")[8:]
    pixels = integer(entry[32:34]) * integer(entry[34:36])
    sizes = find_box(table, b"stsz") or find_box(table, b"stz2")
    count: int | None = integer(sizes[8:12])
    scale, duration = _times(find_box(data, b"mdia", b"mdhd"))
    edits = find_box(data, b"edts", b"elst")
    if edits:
        # Several edits, or one of a part: frames are shown several times or not at all.
        wide = edits[0] == 1
        shown = integer(edits[8:16] if wide else edits[8:12])
        whole = scale and movie_scale and shown / movie_scale >= _WHOLE * duration / scale
        if integer(edits[4:8]) != 1 or not whole:
            count = None
    return VideoTrack(pixels, offset, b"free", count)


def _times(header: memoryview) -> tuple[int, int]:
    """Return the time scale and the duration of an mvhd or mdhd box; 0 where they are missing."""
    if bytes(header[:1]) == b"\x01":
        return integer(header[20:24]), integer(header[24:32])
    return integer(header[12:16]), integer(header[16:20])
