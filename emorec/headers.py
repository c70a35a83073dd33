"""Parsing of image headers: the size of an image, before it is decoded.

A header of a few bytes can claim any size, and decoders allocate memory for it. Only the fields
needed for the size, and for the choice of the decoder, are parsed; the decoder checks the rest of
the file.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from emorec.iso_images import HEIC, read_iso_image


@dataclass(frozen=True)
class Header:
    """Properties of an image according to its header.

    Attributes:
        size_wh: Stored width and height in pixels, before EXIF rotation.
        shrinkable: The image is a JPEG that can be decoded at 1/2, 1/4 or 1/8 of its size without
            holding the full size in memory.
        animated: The image may have several frames.
        trusted: The content is of a kind on which the native decoders have never crashed, and
            whose decoding time is proportional to its size: JPEG of one or few scans, PNG without
            animation, uncompressed BMP.
        has_16_bits: The values have more than 8 bits, up to 16.
        pages: Number of images of full size in a TIFF file; decoders read the first.
        turns: Rotation and mirroring of an AVIF image; see `iso_images.IsoImage`.
        is_heic: The format is HEIC, which OpenCV does not decode.
        refusal: Why no decoder reads this kind of file; "" if one does.
    """

    size_wh: tuple[int, int]
    shrinkable: bool = False
    animated: bool = False
    trusted: bool = False
    has_16_bits: bool = False
    pages: int = 1
    turns: tuple[tuple[str, int], ...] = ()
    is_heic: bool = False
    refusal: str = ""


def read_header(data: bytes | memoryview) -> Header | None:
    """Parse the header of a JPEG, PNG, GIF, WebP, BMP, TIFF, PNM, AVIF or HEIC image.

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


_PNG_ANIMATION = frozenset((b"acTL", b"fcTL", b"fdAT"))
_PNG_STEPS = 100_000
"""Limit of the chunks that are parsed in a crafted file."""


def _png(data: memoryview) -> Header | None:
    if bytes(data[12:16]) != b"IHDR":
        return None
    # The chunk that marks an animated PNG precedes the pixels and follows only small chunks.
    animated = b"acTL" in bytes(data[33:4096]).partition(b"IDAT")[0]
    return Header(
        struct.unpack_from(">II", data, 16),
        animated=animated,
        trusted=_is_plain_png(data),
        has_16_bits=data[24] == 16,
    )


def _is_plain_png(data: memoryview) -> bool:
    """Report whether a PNG file is a whole sequence of chunks, none of them of an animation."""
    at = 8
    for _ in range(_PNG_STEPS):
        if at + 12 > len(data):
            return False
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind in _PNG_ANIMATION:
            return False
        at += 12 + length
        if kind == b"IEND":
            return bool(at <= len(data))
    return False


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
    trusted = size >= 40 and bytes(data[30:34]) == _BMP_UNCOMPRESSED
    return Header((abs(width), abs(height)), trusted=trusted)


_BMP_UNCOMPRESSED = bytes(4)

_TIFF_KIND, _TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_BITS, _TIFF_FORMAT = 254, 256, 257, 258, 339
_TIFF_SHORT, _TIFF_LONG = 3, 4
_TIFF_REDUCED = 1
"""Flag of an image that is a smaller version of another one."""
_TIFF_FLOAT = 3
_TIFF_PAGES = 10_000
"""Limit of the directories that are parsed in a crafted file."""


def _tiff(data: memoryview) -> Header | None:
    order = "<" if bytes(data[:2]) == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", data, 4)
    first, following = _tiff_directory(data, order, at)
    if _TIFF_WIDTH not in first or _TIFF_HEIGHT not in first:
        return None
    bits = first.get(_TIFF_BITS, 1)
    is_float = first.get(_TIFF_FORMAT) == _TIFF_FLOAT
    return Header(
        (first[_TIFF_WIDTH], first[_TIFF_HEIGHT]),
        has_16_bits=8 < bits <= 16,
        pages=1 + _tiff_pages(data, order, following, {at}),
        refusal=f"TIFF with {bits}-bit floating-point values; convert it to 8 or 16 bits"
        if is_float
        else "",
    )


def _tiff_directory(data: memoryview, order: str, at: int) -> tuple[dict[int, int], int]:
    """Return the first value of each short or long tag, and the position of the next directory."""
    (entries,) = struct.unpack_from(order + "H", data, at)
    found: dict[int, int] = {}
    for start in range(at + 2, at + 2 + 12 * entries, 12):
        tag, kind, count = struct.unpack_from(order + "HHI", data, start)
        if kind not in (_TIFF_SHORT, _TIFF_LONG):
            continue
        form, size = ("H", 2) if kind == _TIFF_SHORT else ("I", 4)
        # Up to four bytes of values are in the entry itself, more are elsewhere.
        (place,) = struct.unpack_from(order + "I", data, start + 8)
        where = start + 8 if size * count <= 4 else place
        if tag in (_TIFF_KIND, _TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_BITS, _TIFF_FORMAT):
            (found[tag],) = struct.unpack_from(order + form, data, where)
    (following,) = struct.unpack_from(order + "I", data, at + 2 + 12 * entries)
    return found, following


def _tiff_pages(data: memoryview, order: str, at: int, visited: set[int]) -> int:
    """Count the images of full size from a directory on; damage and loops end the list."""
    pages = 0
    while at and at not in visited and len(visited) < _TIFF_PAGES:
        visited.add(at)
        try:
            found, at = _tiff_directory(data, order, at)
        except struct.error:
            break
        pages += not found.get(_TIFF_KIND, 0) & _TIFF_REDUCED
    return pages


_PNM = re.compile(rb"P[2356](?:\s|#[^\n]*\n)+(\d{1,9})\s+(\d{1,9})\s+(\d{1,5})\s")
_PNM_START = 2048


def _pnm(data: memoryview) -> Header | None:
    found = _PNM.match(bytes(data[:_PNM_START]))
    if found is None:
        return None
    width, height, largest = map(int, found.groups())
    return Header((width, height), has_16_bits=largest > 255)


def _iso(data: memoryview) -> Header | None:
    found = read_iso_image(data)
    if found is None:
        return None
    # The decoder of HEIC applies rotation and mirroring itself.
    is_heic = found.format == HEIC
    return Header(found.size_wh, turns=() if is_heic else found.turns, is_heic=is_heic)


_JPEG_SCAN = 0xDA
_JPEG_SEQUENTIAL = (0xC0, 0xC1)
_JPEG_PROGRESSIVE = 0xC2
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE = frozenset((0x01, *range(0xD0, 0xDA)))
"""Markers without a length."""
_JPEG_STEPS = 100_000
"""Limit of the segments, and of the bytes between them, that are parsed in a crafted file."""
_JPEG_WORK = 2**27
"""Limit of pixels times scans of a trusted progressive JPEG. A crafted file of some kilobytes can
have thousands of scans, each of which costs a pass over all pixels; usual files have ten."""


def _jpeg(data: memoryview) -> Header | None:
    size_wh, frame, components = None, 0, 0
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
            shrinkable = frame in _JPEG_SEQUENTIAL and data[at + 2] == components
            return Header(
                size_wh, shrinkable, trusted=shrinkable or _few_scans(data, size_wh, frame)
            )
        if marker in _JPEG_FRAMES and size_wh is None:
            height, width, components = struct.unpack_from(">HHB", data, at + 3)
            size_wh, frame = (width, height), marker
        (length,) = struct.unpack_from(">H", data, at)
        at += length
    return None


def _few_scans(data: memoryview, size_wh: tuple[int, int], frame: int) -> bool:
    if frame not in (*_JPEG_SEQUENTIAL, _JPEG_PROGRESSIVE):
        return False  # lossless or arithmetic coding, which is rare
    scans = bytes(data).count(bytes((0xFF, _JPEG_SCAN)))
    return size_wh[0] * size_wh[1] * scans <= _JPEG_WORK


_READERS: tuple[tuple[bytes, Callable[[memoryview], Header | None]], ...] = (
    (b"\xff\xd8\xff", _jpeg),
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"GIF8", _gif),
    (b"RIFF", _webp),
    (b"BM", _bmp),
    (b"II*\0", _tiff),
    (b"MM\0*", _tiff),
    *((b"P%d" % number, _pnm) for number in (2, 3, 5, 6)),
    (b"\0\0", _iso),
)
