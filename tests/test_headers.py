import contextlib
import io
import struct

import cv2
import numpy as np
import pytest
from helpers.odd_media import apng, chunk, slow_jpeg
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PilImage

from emorec.headers import read_header

SUFFIXES = (".jpg", ".png", ".gif", ".webp", ".bmp", ".tiff")


def encoded(suffix: str, width: int, height: int, *options: int) -> bytes:
    image = np.full((height, width, 3), 90, np.uint8)
    return cv2.imencode(suffix, image, list(options))[1].tobytes()


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"P5 3 x 255 123456789", b"text" * 9])
def test_no_header(data):
    assert read_header(data) is None


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("size_wh", [(1, 1), (31, 7), (300, 500)])
def test_sizes(suffix, size_wh):
    header = read_header(encoded(suffix, *size_wh))
    assert header.size_wh == size_wh
    assert header.animated == (suffix == ".gif")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_header_that_ends_early(suffix):
    data = encoded(suffix, 20, 30)
    for length in range(min(len(data), 700)):
        header = read_header(data[:length])
        assert header is None or header.size_wh == (20, 30)


def test_lossless_webp():
    header = read_header(encoded(".webp", 300, 500, cv2.IMWRITE_WEBP_QUALITY, 101))
    assert header.size_wh == (300, 500)


@pytest.mark.parametrize("suffix", [".webp", ".png"])
def test_animations(suffix):
    animation = cv2.Animation()
    animation.frames = [np.full((30, 20, 3), value, np.uint8) for value in (10, 200)]
    animation.durations = [100, 100]
    header = read_header(cv2.imencodeanimation(suffix, animation)[1].tobytes())
    assert (header.size_wh, header.animated) == ((20, 30), True)


@pytest.mark.parametrize(("progressive", "shrinkable"), [(0, True), (1, False)])
def test_only_jpegs_of_one_scan_are_shrinkable(progressive, shrinkable):
    data = encoded(".jpg", 20, 30, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
    assert read_header(data).shrinkable is shrinkable
    assert read_header(data.replace(b"\xff\xd8", b"\xff\xd8\xff\xff", 1)).size_wh == (20, 30)


def test_an_endless_jpeg_is_abandoned():
    assert read_header(b"\xff\xd8\xff\xe0" + bytes(10**7)) is None
    assert read_header(b"\xff\xd8" + struct.pack(">HH", 0xFFE1, 2) * 10**6) is None


@given(st.sampled_from(SUFFIXES), st.data())
def test_any_damage_returns_a_header_or_none(suffix, drawn):
    data = bytearray(encoded(suffix, 20, 30))
    for _ in range(5):
        at = drawn.draw(st.integers(0, min(len(data), 800) - 1))
        data[at] = drawn.draw(st.integers(0, 255))
    header = read_header(bytes(data))
    with contextlib.suppress(AttributeError):
        assert min(header.size_wh) >= 0


@pytest.mark.parametrize(
    ("suffix", "options", "trusted"),
    [
        (".jpg", (), True),
        (".jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), True),
        (".png", (), True),
        (".bmp", (), True),
        (".gif", (), False),
        (".webp", (), False),
        (".tiff", (), False),
        (".avif", (), False),
        (".ppm", (), False),
    ],
)
def test_trusted_formats(suffix, options, trusted):
    assert read_header(encoded(suffix, 20, 30, *options)).trusted is trusted


@pytest.mark.parametrize("default_is_frame", [False, True])
def test_an_animated_png_is_not_trusted(default_is_frame):
    data = apng(default_is_frame=default_is_frame)
    assert not read_header(data).trusted
    for kind in (b"acTL", b"fcTL", b"fdAT"):
        plain = encoded(".png", 20, 30)
        assert not read_header(plain[:-12] + chunk(kind, bytes(26)) + plain[-12:]).trusted


def test_only_whole_png_files_are_trusted():
    data = encoded(".png", 20, 30)
    assert read_header(data + b"anything").trusted
    assert not read_header(data[:-1]).trusted
    assert not read_header(data[:8] + struct.pack(">I4s", 2**31, b"IHDR") + data[16:]).trusted
    many = chunk(b"tEXt", b"") * 200_000
    assert not read_header(data[:33] + many + data[33:]).trusted


def test_a_jpeg_of_many_scans_is_not_trusted():
    assert read_header(slow_jpeg(scans=1, side=1000)).trusted
    assert not read_header(slow_jpeg(scans=300, side=1000)).trusted


def test_compressed_bmp_is_not_trusted():
    data = bytearray(encoded(".bmp", 20, 30))
    data[30] = 1
    assert not read_header(bytes(data)).trusted


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".pgm"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_sixteen_bits(suffix, dtype):
    data = cv2.imencode(suffix, np.full((30, 20), 200, dtype))[1].tobytes()
    header = read_header(data)
    assert header.size_wh == (20, 30)
    assert header.has_16_bits is (dtype == np.uint16)


@pytest.mark.parametrize(
    ("data", "size_wh"),
    [
        (b"P5 20 30 255 ", (20, 30)),
        (b"P6\n# a comment\n20 30\n255\n", (20, 30)),
        (b"P2#\n20\t30\r\n65535\n", (20, 30)),
    ],
)
def test_pnm(data, size_wh):
    assert read_header(data + bytes(99)).size_wh == size_wh


def tiff(*sizes, **options) -> bytes:
    pages = [PilImage.new("RGB", size) for size in sizes]
    file = io.BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:], **options)
    return file.getvalue()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_pages_of_a_tiff(count):
    header = read_header(tiff(*[(20, 30)] * count))
    assert (header.size_wh, header.pages) == ((20, 30), count)


def test_a_thumbnail_is_no_page():
    data = bytearray(tiff((20, 30), (10, 15)))
    (first,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, first)
    (second,) = struct.unpack_from("<I", data, first + 2 + 12 * entries)
    # The first entry becomes the kind of the image: a reduced version of another one.
    struct.pack_into("<HHII", data, second + 2, 254, 4, 1, 1)
    assert read_header(bytes(data)).pages == 1


def test_a_tiff_whose_pages_form_a_loop():
    data = bytearray(tiff((20, 30), (20, 30)))
    (first,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, first)
    (second,) = struct.unpack_from("<I", data, first + 2 + 12 * entries)
    (entries,) = struct.unpack_from("<H", data, second)
    struct.pack_into("<I", data, second + 2 + 12 * entries, first)
    assert read_header(bytes(data)).pages == 2


@pytest.mark.parametrize(("dtype", "refused"), [(np.uint8, False), (np.float32, True)])
def test_floating_point_tiff_is_refused(dtype, refused):
    header = read_header(cv2.imencode(".tiff", np.full((30, 20), 0.5, dtype))[1].tobytes())
    assert bool(header.refusal) is refused
    assert ("32-bit floating-point" in header.refusal) is refused
