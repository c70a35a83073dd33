"""Parsing of image headers: the size of an image, before it is decoded.

A header of a few bytes can claim any size, and decoders allocate memory for it. Only the fields
needed for the size are parsed; the decoder checks the rest of the file.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Header:
    """Properties of an image according to its header.

    Attributes:
        size_wh: Stored width and height in pixels, before EXIF rotation.
        shrinkable: The image is a JPEG that can be decoded at 1/2, 1/4 or 1/8 of its size without
            holding the full size in memory.
        animated: The image may have several frames.
    """

    size_wh: tuple[int, int]
    shrinkable: bool = False
    animated: bool = False


def read_header(data: bytes | memoryview) -> Header | None:
    """Parse the header of a JPEG, PNG, GIF, WebP, BMP or TIFF image.

    Args:
        data: Content of the file; the start is enough.

    Returns:
        The header, or None if the format is a different one or the header is damaged.
    """
    data = memoryview(data)
    for magic, read in _READERS:
        if bytes(data[: len(magic)]) == magic:
            try:
                return read(data)
            except (struct.error, IndexError):  # the data ends within the header
                return None
    return None


def _png(data: memoryview) -> Header | None:
    if bytes(data[12:16]) != b"IHDR":
        return None
    # The chunk that marks an animated PNG precedes the pixels and follows only small chunks.
    animated = b"acTL" in bytes(data[33:4096]).partition(b"IDAT")[0]
    return Header(struct.unpack_from(">II", data, 16), animated=animated)


def _gif(data: memoryview) -> Header:
    return Header(struct.unpack_from("<HH", data, 6), animated=True)


def _webp(data: memoryview) -> Header | None:
    if bytes(data[8:12]) != b"WEBP":
        return None
    kind = bytes(data[12:16])
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return Header((width, height), animated=bool(data[20] & 2))
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return Header(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
    width, height = struct.unpack_from("<HH", data, 26)
    return Header((width & 0x3FFF, height & 0x3FFF))


def _bmp(data: memoryview) -> Header:
    (size,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if size == 12 else "<ii", data, 18)
    return Header((abs(width), abs(height)))


_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_TIFF_SHORT, _TIFF_LONG = 3, 4


def _tiff(data: memoryview) -> Header | None:
    order = "<" if bytes(data[:2]) == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", data, 4)
    (entries,) = struct.unpack_from(order + "H", data, at)
    found: dict[int, int] = {}
    for entry in range(entries):
        start = at + 2 + 12 * entry
        tag, kind, _ = struct.unpack_from(order + "HHI", data, start)
        if tag in (_TIFF_WIDTH, _TIFF_HEIGHT) and kind in (_TIFF_SHORT, _TIFF_LONG):
            form = "H" if kind == _TIFF_SHORT else "I"
            (found[tag],) = struct.unpack_from(order + form, data, start + 8)
    if len(found) < 2:
        return None
    return Header((found[_TIFF_WIDTH], found[_TIFF_HEIGHT]), animated=False)


_JPEG_SCAN = 0xDA
_JPEG_SEQUENTIAL = (0xC0, 0xC1)
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE = frozenset((0x01, *range(0xD0, 0xDA)))
"""Markers without a length."""
_JPEG_STEPS = 100_000
"""Limit of the segments, and of the bytes between them, that are parsed in a crafted file."""


def _jpeg(data: memoryview) -> Header | None:
    size_wh, sequential, components = None, False, 0
    at = 2
    for _ in range(_JPEG_STEPS):
        if data[at] != 0xFF:
            at += 1  # decoders skip bytes between segments
            continue
        marker = data[at + 1]
        at += 1 if marker == 0xFF else 2
        if marker in (0x00, 0xFF) or marker in _JPEG_BARE:
            continue
        if marker == _JPEG_SCAN:
            if size_wh is None:
                return None
            # Decoders assemble images of several scans in memory at full size.
            return Header(size_wh, shrinkable=sequential and data[at + 2] == components)
        if marker in _JPEG_FRAMES and size_wh is None:
            height, width, components = struct.unpack_from(">HHB", data, at + 3)
            size_wh, sequential = (width, height), marker in _JPEG_SEQUENTIAL
        (length,) = struct.unpack_from(">H", data, at)
        at += length
    return None


_READERS: tuple[tuple[bytes, Callable[[memoryview], Header | None]], ...] = (
    (b"\xff\xd8\xff", _jpeg),
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"GIF8", _gif),
    (b"RIFF", _webp),
    (b"BM", _bmp),
    (b"II*\0", _tiff),
    (b"MM\0*", _tiff),
)
