"""AVIF and HEIC headers: format, size, rotation and mirroring."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PilImage
from PIL import ImageOps

from emorec.images import read_bgr, read_gray
from emorec.iso_images import AVIF, HEIC, MIRROR, ROTATE, iso_format, read_iso_image, turned


def corners(width: int = 64, height: int = 32) -> PilImage.Image:
    """An image that differs from all its rotated and mirrored versions."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = 250
    pixels[height // 2 :, : width // 2, 0] = 200
    pixels[: height // 2, width // 2 :, 1] = 120
    return PilImage.fromarray(pixels)


def avif(orientation: int = 1) -> bytes:
    """An AVIF file; Pillow writes an EXIF orientation as the properties irot and imir."""
    exif = PilImage.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    corners().save(file, "AVIF", exif=exif, quality=95)
    return file.getvalue()


def box(kind: bytes, *content: bytes) -> bytes:
    data = b"".join(content)
    return struct.pack(">I4s", 8 + len(data), kind) + data


def full(kind: bytes, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def heic(*, wide: bool = False, turns: tuple[bytes, ...] = ()) -> bytes:
    """The boxes of a HEIC file, with small or wide numbers; its second item is the primary one."""
    properties = [
        full(b"ispe", struct.pack(">II", 1, 1)),
        full(b"ispe", struct.pack(">II", 300, 200)),
        *turns,
    ]
    indices = list(range(2, 3 + len(turns)))
    item, index = (">I", ">H") if wide else (">H", ">B")
    essential = 0x8000 if wide else 0x80
    entries = struct.pack(item, 1) + b"\1" + struct.pack(index, 1)
    entries += struct.pack(item, 2) + bytes([len(indices)])
    entries += b"".join(struct.pack(index, essential | number) for number in indices)
    meta = full(
        b"meta",
        full(b"pitm", struct.pack(item, 2), version=int(wide)),
        box(
            b"iprp",
            box(b"ipco", *properties),
            full(b"ipma", struct.pack(">I", 2), entries, version=int(wide), flags=int(wide)),
        ),
    )
    return box(b"ftyp", b"heic", bytes(4), b"mif1heic") + meta + box(b"mdat", bytes(9))


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", None),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", None),
        (box(b"ftyp", b"avif", bytes(4)), AVIF),
        (box(b"ftyp", b"mif1", bytes(4), b"mif1avif"), AVIF),
        (box(b"ftyp", b"avis", bytes(4)), AVIF),
        (box(b"ftyp", b"mif1", bytes(4), b"heic"), HEIC),
        (box(b"ftyp", b"heix", bytes(4)), HEIC),
        (b"\xff\xff\xff\xffftypheic", HEIC),
    ],
)
def test_format(data: bytes, found: str | None):
    assert iso_format(memoryview(data)) == found
    assert read_iso_image(memoryview(data)) is None


@pytest.mark.parametrize("wide", [False, True])
def test_the_primary_item_counts(wide: bool):
    turns = (box(b"irot", b"\1"), box(b"imir", b"\0"))
    found = read_iso_image(memoryview(heic(wide=wide, turns=turns)))
    assert found is not None
    assert (found.format, found.size_wh) == (HEIC, (300, 200))
    assert found.turns == ((ROTATE, 1), (MIRROR, 0))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_upright(tmp_path, orientation: int):
    path = tmp_path / "a.avif"
    path.write_bytes(avif(orientation))
    upright = ImageOps.exif_transpose(PilImage.open(path)).convert("RGB")
    expected = np.asarray(upright)[:, :, ::-1].astype(int)
    assert expected.shape == ((64, 32, 3) if orientation > 4 else (32, 64, 3))
    assert np.abs(read_bgr(path).astype(int) - expected).max() <= 8
    assert read_gray(path).shape == expected.shape[:2]


def test_turns_are_applied_in_order():
    image = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert turned(image, ()).tolist() == image.tolist()
    assert turned(image, ((ROTATE, 1),)).tolist() == [[2, 5], [1, 4], [0, 3]]
    assert turned(image, ((MIRROR, 0),)).tolist() == [[3, 4, 5], [0, 1, 2]]
    assert turned(image, ((MIRROR, 1),)).tolist() == [[2, 1, 0], [5, 4, 3]]
    both = turned(image, ((ROTATE, 1), (MIRROR, 0)))
    assert both.tolist() == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize("make", [avif, heic])
def test_a_file_that_ends_early(make):
    data = make()
    for length in range(min(len(data), 400)):
        found = read_iso_image(memoryview(data[:length]))
        assert found is None or found == read_iso_image(memoryview(data))


@given(st.lists(st.tuples(st.integers(0, 170), st.integers(0, 255)), max_size=6))
def test_any_damage_returns_an_image_or_none(changes):
    data = bytearray(heic(turns=(box(b"irot", b"\1"),)))
    for at, value in changes:
        data[at % len(data)] = value
    found = read_iso_image(memoryview(bytes(data)))
    assert found is None or len(found.size_wh) == 2


@pytest.mark.parametrize(
    "meta",
    [
        full(b"meta", struct.pack(">I4s", 8, b"free") * 100_000),  # endless boxes
        full(b"meta", struct.pack(">I4s", 0, b"iprp")),
        full(b"meta", struct.pack(">I4sQ", 1, b"iprp", 0)),  # a box that ends before it begins
        full(
            b"meta", full(b"pitm", b"\0\1"), box(b"iprp", box(b"ipco"), full(b"ipma", b"\xff" * 9))
        ),
    ],
)
def test_crafted_boxes(meta: bytes):
    assert read_iso_image(memoryview(box(b"ftyp", b"heic", bytes(4)) + meta)) is None
