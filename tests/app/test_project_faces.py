"""A face is shown with its surroundings, and where it is in them."""

import numpy as np
import pytest
from helpers.label_faces import found, frame
from hypothesis import given
from hypothesis import strategies as st

from emorec.app.project_faces import ProjectFace, cut_with_surroundings
from emorec.frames import Frame
from emorec.types import Box


def test_a_face_in_the_middle():
    image, view = cut_with_surroundings(frame(), Box(40, 30, 20, 20))
    assert image.shape == (52, 52, 3)
    assert image[0, 0].tolist() == [24, 14, 0]
    assert [round(52 * share) for share in view] == [16, 16, 20, 20]


def test_a_face_that_crosses_the_border():
    image, view = cut_with_surroundings(frame(), Box(-5, 70, 20, 20))
    assert image[0, 0].tolist() == [0, 54, 0]
    assert image.shape == (26, 31, 3)
    assert view == pytest.approx((-5 / 31, 16 / 26, 20 / 31, 20 / 26))


def test_a_large_face_is_downscaled():
    large = Frame.from_image(np.zeros((3000, 2000, 3), np.uint8))
    image, _ = cut_with_surroundings(large, Box(500, 1000, 1000, 1000))
    assert image.shape == (640, 492, 3)


def test_the_pixels_may_be_downscaled():
    """As of huge JPEG files: boxes are in pixels of the full image."""
    half = Frame(frame().image_bgr, (200, 160))
    image, view = cut_with_surroundings(half, Box(80, 60, 40, 40))
    assert image.shape == (52, 52, 3)
    assert [round(52 * share) for share in view] == [16, 16, 20, 20]


@given(st.integers(-99, 99), st.integers(-79, 79), st.integers(1, 300), st.integers(1, 300))
def test_every_box_has_an_image(x: int, y: int, width: int, height: int):
    image, view = cut_with_surroundings(frame(), Box(x, y, width, height))
    assert image.size > 0
    assert view[2] > 0
    assert view[3] > 0


def test_description():
    face = found(happy=0.25)
    view = (0.1, 0.2, 0.34567, 0.4)
    described = ProjectFace(3, "a.jpg", face.box, face.prediction, view, ("sad",)).describe()
    assert described == {
        "number": 3,
        "path": "a.jpg",
        "box": [10, 10, 20, 20],
        "view": [0.1, 0.2, 0.3457, 0.4],
        "emotion": "sad",
        "confidence": 0.75,
        "probabilities": {"happy": 0.25, "sad": 0.75},
        "labels": ["sad"],
        "skipped": False,
    }
