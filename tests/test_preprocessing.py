"""Crops and model inputs."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.preprocessing import (
    COLORS,
    INTERPOLATIONS,
    MIN_TILT,
    crop_face,
    crop_region,
    to_input,
)
from emorec.types import Box, Landmarks, Point

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


# Alignment

NOWHERE = (0.0, 0.0)


def eyes(tilt: float, center: Point = (0.0, 0.0)) -> Landmarks:
    """Landmarks of a face with this tilt in degrees; only the eyes matter."""
    across, down = 10 * np.cos(np.radians(tilt)), 10 * np.sin(np.radians(tilt))
    x, y = center
    return Landmarks((x - across, y - down), (x + across, y + down), NOWHERE, NOWHERE, NOWHERE)


@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize(
    ("tilt", "turns"),
    [(90, -1), (-90, 1), (180, 2)],  # numpy.rot90 turns counter-clockwise
)
@pytest.mark.parametrize("box", [Box(3, 3, 8, 8), Box(0, 4, 10, 6), Box(-5, -5, 24, 24)])
def test_quarter_turns_are_exact(box: Box, tilt: float, turns: int, channels: tuple[int, ...]):
    """The crop of an image that is turned with its face is the upright crop."""
    upright = random_image((14, 14, *channels))
    turned = np.ascontiguousarray(np.rot90(upright, turns))
    right, down = box.x + box.width // 2 - 7, box.y + box.height // 2 - 7
    right, down = {90: (-down, right), -90: (down, -right), 180: (-right, -down)}[tilt]
    placed = replace(box, x=7 + right - box.width // 2, y=7 + down - box.height // 2)
    aligned = crop_face(turned, placed, 0.0, eyes(tilt))
    np.testing.assert_array_equal(aligned, crop_face(upright, box, 0.0))


@pytest.mark.parametrize("tilt", [-120, -60, -30, 30, 45, 60, 150])
def test_a_rotated_face_becomes_upright(tilt: float):
    grid = np.arange(200)
    upright = np.asarray(127 + 60 * np.sin(grid[:, None] / 9) + 60 * np.cos(grid / 7), np.uint8)
    turn = cv2.getRotationMatrix2D((99.5, 99.5), -tilt, 1)
    rotated = np.asarray(cv2.warpAffine(upright, turn, (200, 200)), np.uint8)
    box = Box(70, 70, 60, 60)
    aligned = crop_face(rotated, box, 0.1, eyes(tilt)).astype(int)
    expected = crop_face(upright, box, 0.1).astype(int)
    assert np.abs(aligned - expected).max() <= 6
    assert np.abs(crop_face(rotated, box, 0.1).astype(int) - expected).max() > 60


@pytest.mark.parametrize("tilt", [0, MIN_TILT - 0.1, 0.1 - MIN_TILT, float("nan")])
def test_a_small_tilt_is_not_rotated(tilt: float):
    image = random_image((40, 40, 3))
    crop = crop_face(image, Box(5, 5, 20, 20), 0.1, eyes(tilt))
    assert np.shares_memory(crop, image)
    np.testing.assert_array_equal(crop, crop_face(image, Box(5, 5, 20, 20), 0.1))


def test_the_least_tilt_can_be_chosen():
    image = random_image((40, 40))
    plain = crop_face(image, Box(5, 5, 20, 20), 0.0)
    assert (crop_face(image, Box(5, 5, 20, 20), 0.0, eyes(5), min_tilt=0) != plain).any()
    assert (crop_face(image, Box(5, 5, 20, 20), 0.0, eyes(80), min_tilt=90) == plain).all()


@given(
    box=boxes,
    shape=shapes,
    channels=st.sampled_from([(), (3,)]),
    margin=st.floats(-0.4, 2),
    tilt=st.floats(-180, 180),
)
def test_an_aligned_crop_has_the_shape_of_the_plain_one(box, shape, channels, margin, tilt):
    image = random_image(shape + channels)
    before = image.copy()
    aligned = crop_face(image, box, margin, eyes(tilt))
    assert aligned.shape == crop_face(image, box, margin).shape
    assert aligned.dtype == np.uint8
    np.testing.assert_array_equal(image, before)


@given(box=boxes, tilt=st.floats(-180, 180))
def test_an_aligned_crop_of_one_grey_has_this_grey(box, tilt):
    """Outside the image the border is repeated: no black corners."""
    crop = crop_face(np.full((20, 20), 77, np.uint8), box, 0.3, eyes(tilt))
    assert (crop == 77).all()


@pytest.mark.parametrize(("side", "rotated"), [(60, True), (33_000, False)])
def test_images_longer_than_opencv_rotates(side: int, rotated: bool):
    image = np.tile(np.arange(40_000) % 251, (3, 1)).astype(np.uint8)
    box = Box(3000, 0, side, 3)
    crop = crop_face(image, box, 0.0, eyes(45))
    assert crop.shape == (3, side)
    assert (crop != crop_face(image, box, 0.0)).any() == rotated


@pytest.mark.parametrize("tilt", [0, 20, 90, -135])
@pytest.mark.parametrize("box", [Box(60, 70, 50, 60), Box(-20, 150, 40, 41)])
def test_the_matrix_of_a_region_is_where_its_crop_comes_from(box: Box, tilt: float):
    """The value of a pixel of the image is its column, or its row."""
    rows, columns = np.mgrid[:200, :200].astype(np.uint8)
    eyes = (turned_point(box, -10, 0, tilt), turned_point(box, 10, 0, tilt))
    landmarks = Landmarks(*eyes, *[(0.0, 0.0)] * 3)
    region = crop_region((200, 200), box, 0.1, landmarks)
    assert region.degrees == pytest.approx(tilt)
    down, across = np.mgrid[: region.height, : region.width] + 0.5
    points = np.stack([across, down], axis=-1) @ region.to_image[:, :2].T + region.to_image[:, 2]
    for axis, image in enumerate((columns, rows)):
        crop = crop_face(image, box, 0.1, landmarks)
        expected = np.clip(points[..., axis] - 0.5, 0, 199)
        np.testing.assert_allclose(crop, expected, atol=1.01)


def turned_point(box: Box, across: float, down: float, degrees: float) -> Point:
    """Return a point at an offset from the centre of a box, which is turned with the face."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    x, y = box.x + box.width / 2, box.y + box.height / 2
    return x + cos * across - sin * down, y + sin * across + cos * down
