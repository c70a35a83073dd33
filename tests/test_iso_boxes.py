"""The boxes of ISO base media files, whole, cut off and crafted."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.iso_boxes import Box, boxes, find_box, integer, parse_box


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def long_box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\0\0\0\x08fre", []),
        (box(b"free"), [Box(b"free", 0, 8, 8)]),
        (box(b"free", b"abc") + box(b"moov"), [Box(b"free", 0, 8, 11), Box(b"moov", 11, 19, 19)]),
        (long_box(b"mdat", b"abc"), [Box(b"mdat", 0, 16, 19)]),
        # Without a length, a box takes the rest.
        (struct.pack(">I4s", 0, b"mdat") + bytes(9), [Box(b"mdat", 0, 8, 17)]),
        # The start of a file is enough.
        (box(b"mdat", bytes(90))[:20], [Box(b"mdat", 0, 8, 98)]),
        # A box that ends before its content begins.
        (box(b"free") + struct.pack(">I4s", 7, b"free") + box(b"moov"), [Box(b"free", 0, 8, 8)]),
        (struct.pack(">I4sQ", 1, b"mdat", 15), []),
    ],
)
def test_boxes(data: bytes, expected: list[Box]):
    assert list(boxes(memoryview(data))) == expected


def test_endless_boxes_end():
    assert len(list(boxes(memoryview(box(b"free") * 100_000)))) == 10_000


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ([b"moov"], box(b"trak", b"one") + box(b"trak", b"two")),
        ([b"moov", b"trak"], b"one"),
        ([b"moov", b"udta"], b""),
        ([b"udta", b"trak"], b""),
    ],
)
def test_find_box(path: list[bytes], content: bytes):
    movie = box(b"moov", box(b"trak", b"one") + box(b"trak", b"two"))
    assert find_box(memoryview(box(b"ftyp") + movie), *path) == content


def test_integer():
    assert (integer(b""), integer(b"\1\2"), integer(memoryview(b"\xff" * 8))) == (0, 258, 2**64 - 1)


@given(st.binary(max_size=16), st.integers(0, 100))
def test_a_box_is_never_shorter_than_its_head(head: bytes, at: int):
    found = parse_box(head, at, 100)
    assert found is None or at == found.begin < found.start <= found.end
