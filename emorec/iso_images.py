"""Parsing of AVIF and HEIC headers: format, size, and the rotation and mirroring of the image.

Both are files of nested boxes (ISO/IEC 14496-12 and 23008-12). OpenCV's AVIF decoder ignores the
properties `irot` and `imir`, which cameras and converters write instead of an EXIF orientation.
"""

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emorec.iso_boxes import boxes, find_box

AVIF, HEIC = "AVIF", "HEIC"

ROTATE, MIRROR = "irot", "imir"

_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_HEIC_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)
_MAX_ITEMS = 10_000
"""Limit of the items with properties that are parsed in a crafted file."""


@dataclass(frozen=True)
class IsoImage:
    """Properties of the primary image of a file.

    Attributes:
        format: `AVIF` or `HEIC`.
        size_wh: Stored width and height in pixels, before rotation.
        turns: Transformations to apply in this order: (`ROTATE`, quarter turns counterclockwise),
            or (`MIRROR`, 0 for top and bottom, 1 for left and right).
    """

    format: str
    size_wh: tuple[int, int]
    turns: tuple[tuple[str, int], ...] = ()


def iso_format(data: memoryview) -> str | None:
    """Return `AVIF` or `HEIC` if the file type of the content says so, else None."""
    if bytes(data[4:8]) != b"ftyp":
        return None
    # The size of the box is untrusted; the brands follow each other directly.
    end = min(int.from_bytes(data[:4], "big"), 256)
    brands = {bytes(data[at : at + 4]) for at in (8, *range(16, end, 4))}
    if brands & _AVIF_BRANDS:
        return AVIF
    return HEIC if brands & _HEIC_BRANDS else None


def read_iso_image(data: memoryview) -> IsoImage | None:
    """Parse the boxes that describe the primary image.

    Args:
        data: Content of the file; the start up to the pixels is enough.

    Returns:
        None if the file is neither AVIF nor HEIC, or its boxes are damaged.
    """
    found = iso_format(data)
    if found is None:
        return None
    try:
        meta = find_box(data, b"meta")[4:]
        primary = _number(find_box(meta, b"pitm"))
        container = find_box(meta, b"iprp", b"ipco")
        properties = list(boxes(container))
        size_wh = None
        turns = []
        for index in _associated(find_box(meta, b"iprp", b"ipma"), primary):
            if not index:
                continue
            box = properties[index - 1]
            body = container[box.start : box.end]
            if box.kind == b"ispe":
                width, height = struct.unpack_from(">II", body, 4)
                size_wh = (width, height)
            elif box.kind == b"irot":
                turns.append((ROTATE, body[0] & 3))
            elif box.kind == b"imir":
                turns.append((MIRROR, body[0] & 1))
    except (struct.error, IndexError):
        return None
    return None if size_wh is None else IsoImage(found, size_wh, tuple(turns))


def turned(
    image: npt.NDArray[np.uint8], turns: tuple[tuple[str, int], ...]
) -> npt.NDArray[np.uint8]:
    """Apply the transformations of an `IsoImage`; shape (height, width, ...) or transposed."""
    for kind, value in turns:
        image = np.rot90(image, value) if kind == ROTATE else np.flip(image, value)
    return np.ascontiguousarray(image)


def _number(pitm: memoryview) -> int:
    """Return the id of the primary item."""
    (item,) = struct.unpack_from(">I" if pitm[0] else ">H", pitm, 4)
    return int(item)


def _associated(ipma: memoryview, primary: int) -> list[int]:
    """Return the properties of an item in order, each as its number from 1; 0 is none."""
    item_form = ">I" if ipma[0] else ">H"
    index_form, index_mask = (">H", 0x7FFF) if ipma[3] & 1 else (">B", 0x7F)
    (entries,) = struct.unpack_from(">I", ipma, 4)
    at = 8
    for _ in range(min(entries, _MAX_ITEMS)):
        (item,) = struct.unpack_from(item_form, ipma, at)
        at += struct.calcsize(item_form)
        count, at = ipma[at], at + 1
        step = struct.calcsize(index_form)
        if item == primary:
            places = range(at, at + count * step, step)
            return [struct.unpack_from(index_form, ipma, place)[0] & index_mask for place in places]
        at += count * step
    return []
