import contextlib
import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
