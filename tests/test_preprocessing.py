"""Crops and model inputs."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.preprocessing import COLORS, INTERPOLATIONS, crop_face, to_input
from emorec.types import Box

boxes = st.builds(
    Box, st.integers(-60, 60), st.integers(-60, 60), st.integers(-2, 60), st.integers(-2, 60)
)
shapes = st.tuples(st.integers(1, 20), st.integers(1, 20))


def random_image(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def span(start: int, length: int, margin: float) -> range:
    """Indices of the requested pixels along one axis; at least one."""
    center, half = start + length / 2, length * (0.5 + margin)
    first = round(center - half)
    return range(first, max(round(center + half), first + 1))


@given(box=boxes, shape=shapes, channels=st.sampled_from([(), (3,)]), margin=st.floats(-0.4, 2))
def test_crop_is_the_box_with_the_border_repeated(box, shape, channels, margin):
    image = random_image(shape + channels)
    crop = crop_face(image, box, margin)
    rows, columns = span(box.y, box.height, margin), span(box.x, box.width, margin)
    assert crop.shape == (len(rows), len(columns), *channels)
    assert crop.dtype == np.uint8
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            nearest = image[min(max(row, 0), shape[0] - 1), min(max(column, 0), shape[1] - 1)]
            assert (crop[i, j] == nearest).all()


@pytest.mark.parametrize(
    ("box", "margin", "expected"),
    [
        (Box(0, 0, 0, 0), 0.0, [[0]]),
        (Box(1, 1, 2, 1), 0.0, [[11, 12]]),
        (Box(-1, 0, 3, 1), 0.0, [[0, 0, 1]]),
        (Box(2, 2, 2, 2), 0.0, [[22, 23], [22, 23]]),
        (Box(1, 1, 1, 1), 1.0, [[0, 1, 2], [10, 11, 12], [20, 21, 22]]),
        (Box(0, 0, 4, 4), -0.25, [[11, 12], [21, 22]]),
        # completely outside, on either side
        (Box(-9, 1, 2, 1), 0.0, [[10, 10]]),
        (Box(9, 9, 2, 2), 0.0, [[23, 23], [23, 23]]),
    ],
)
def test_known_crops(box: Box, margin: float, expected: list[list[int]]):
    image = np.array([[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]], np.uint8)
    assert crop_face(image, box, margin).tolist() == expected


def test_crop_does_not_modify_the_image():
    image = random_image((10, 10))
    before = image.copy()
    to_input(crop_face(image, Box(-3, 2, 8, 8), 0.1), 6, "gray", "area")
    np.testing.assert_array_equal(image, before)


@given(
    shape=shapes,
    channels=st.sampled_from([(), (3,)]),
    size=st.integers(1, 24),
    color=st.sampled_from(COLORS),
    interpolation=st.sampled_from(INTERPOLATIONS),
)
def test_input_has_the_shape_of_the_model(shape, channels, size, color, interpolation):
    out = to_input(random_image(shape + channels), size, color, interpolation)
    assert out.shape == (size, size, 1 if color == "gray" else 3)
    assert out.dtype == np.uint8
    assert out.flags.c_contiguous


def test_colour_order_of_the_model():
    bgr = np.full((4, 4, 3), (10, 20, 200), np.uint8)
    assert to_input(bgr, 4, "rgb", "area")[0, 0].tolist() == [200, 20, 10]
    # ITU-R BT.601: 0.114 B + 0.587 G + 0.299 R
    assert to_input(bgr, 4, "gray", "area")[0, 0].tolist() == [73]
    assert to_input(bgr[:, :, 0], 4, "rgb", "area")[0, 0].tolist() == [10, 10, 10]


def test_an_image_of_the_right_size_is_not_resampled():
    gray = random_image((48, 48))
    for interpolation in INTERPOLATIONS:
        np.testing.assert_array_equal(to_input(gray, 48, "gray", interpolation)[:, :, 0], gray)


def test_area_interpolation_when_downscaling():
    gray = random_image((96, 96))
    means = gray.reshape(48, 2, 48, 2).mean(axis=(1, 3))
    area = to_input(gray, 48, "gray", "area")[:, :, 0]
    assert np.abs(area - means).max() <= 0.5
    tall = random_image((97, 20))
    np.testing.assert_array_equal(
        to_input(tall, 24, "gray", "area")[:, :, 0],
        cv2.resize(tall, (24, 24), interpolation=cv2.INTER_AREA),
    )


def test_linear_interpolation_when_upscaling():
    gray = random_image((20, 20))
    area, linear = (to_input(gray, 48, "gray", name) for name in INTERPOLATIONS)
    np.testing.assert_array_equal(area, linear)
    np.testing.assert_array_equal(linear[:, :, 0], cv2.resize(gray, (48, 48)))
