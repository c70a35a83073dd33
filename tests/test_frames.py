import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.frames import Frame, shown_seconds
from emorec.types import Box, Face, Landmarks


def frame(width: int, height: int, size_wh: tuple[int, int]) -> Frame:
    return Frame(np.zeros((height, width, 3), np.uint8), size_wh)


def test_a_still_image_has_its_own_size_and_no_number():
    image = np.zeros((20, 30, 3), np.uint8)
    still = Frame.from_image(image)
    assert still.image_bgr is image
    assert (still.size_wh, still.number, still.time_s) == ((30, 20), None, None)
    box = Box(-3, 4, 5, 6)
    assert still.to_scaled_box(box) is box
    assert still.to_full_box(box) is box


@pytest.mark.parametrize(
    ("full", "scaled"),
    [
        (Box(0, 0, 0, 0), Box(0, 0, 0, 0)),
        (Box(100, 40, 60, 20), Box(50, 10, 30, 5)),
        (Box(-20, -8, 200, 400), Box(-10, -2, 100, 100)),
    ],
)
def test_boxes_of_a_downscaled_frame(full, scaled):
    """The width is halved, the height divided by four."""
    half = frame(50, 25, (100, 100))
    assert half.to_scaled_box(full) == scaled
    assert half.to_full_box(scaled) == full


@given(
    size=st.tuples(st.integers(1, 500), st.integers(1, 500)),
    factor=st.integers(1, 8),
    numbers=st.lists(st.integers(-50, 500), min_size=4, max_size=4),
)
def test_a_box_comes_back_from_the_full_image(size, factor, numbers):
    width, height = size
    downscaled = frame(width, height, (width * factor, height * factor))
    box = Box(*numbers)
    assert downscaled.to_scaled_box(downscaled.to_full_box(box)) == box


def test_faces_of_a_downscaled_frame():
    """The width is halved, the height divided by four."""
    half = frame(50, 25, (100, 100))
    points = ((110, 50), (150, 48), (130, 56), (112.5, 58), (148, 58))
    full = Face(Box(100, 40, 60, 20), "stub", 1.0, Landmarks(*points))
    scaled = half.to_scaled_face(full)
    assert (scaled.box, scaled.detector) == (Box(50, 10, 30, 5), "stub")
    assert scaled.landmarks == Landmarks(*((x / 2, y / 4) for x, y in points))
    assert half.to_full_face(scaled) == full
    without = Face(Box(100, 40, 60, 20), "stub", 1.0)
    assert half.to_full_face(half.to_scaled_face(without)) == without


@pytest.mark.parametrize(
    ("step_s", "frame_s", "max_gap_s", "expected"),
    [
        (0.04, 0.04, 1.0, 0.04),
        (0.9, 0.04, 1.0, 0.9),
        (1.1, 0.04, 1.0, 0.04),
        (2.5, 1.0, 0.5, 2.5),
        (3.5, 1.0, 0.5, 1.0),
    ],
)
def test_a_frame_is_shown_until_the_next_unless_that_is_late(
    step_s: float, frame_s: float, max_gap_s: float, expected: float
):
    assert shown_seconds(step_s, frame_s, max_gap_s) == expected
