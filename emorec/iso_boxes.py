"""Walks the nested boxes of ISO base media files: MP4, MOV, AVIF and HEIC (ISO/IEC 14496-12)."""

from collections.abc import Iterator
from typing import NamedTuple

_MAX_BOXES = 10_000
"""Limit of the boxes next to each other that are parsed in a crafted file."""


class Box(NamedTuple):
    """A box: its type, and the positions of its beginning, of its content and of its end."""

    kind: bytes
    begin: int
    start: int
    end: int


def parse_box(head: bytes | memoryview, at: int, size: int) -> Box | None:
    """Parse the head of a box.

    Args:
        head: The first 16 bytes of the box; less at the end of the data.
        at: Position of the box.
        size: Size of the data, at which a box without a length ends.

    Returns:
        The box, which may end after the data; None if it is invalid.
    """
    if len(head) < 8:
        return None
    length, start = integer(head[:4]), at + 8
    if length == 1:
        length, start = integer(head[8:16]), at + 16
    elif length == 0:
        length = size - at
    return None if length < start - at else Box(bytes(head[4:8]), at, start, at + length)


def boxes(data: memoryview) -> Iterator[Box]:
    """Yield the boxes next to each other, up to an invalid one; the last may end after the data."""
    at = 0
    for _ in range(_MAX_BOXES):
        box = parse_box(data[at : at + 16], at, len(data))
        if box is None:
            return
        yield box
        at = box.end


def find_box(data: memoryview, *path: bytes) -> memoryview:
    """Return the content of the first box of each type of a path; empty if there is none."""
    for kind in path:
        box = next((box for box in boxes(data) if box.kind == kind), None)
        data = data[box.start : box.end] if box else data[:0]
    return data


def integer(data: bytes | memoryview) -> int:
    """Read an unsigned integer; 0 without bytes."""
    return int.from_bytes(data, "big")
