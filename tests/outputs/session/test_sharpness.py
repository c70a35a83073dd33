import cv2
import numpy as np
import pytest
from helpers.example_sessions import face_of

from emorec.frames import Frame
from emorec.outputs.session.sharpness import face_sharpness

NOISE = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)


def sharpness(image: np.ndarray) -> float:
    return face_sharpness(Frame.from_image(image), face_of(1, (1.0, 0.0)))


def test_a_plain_face_has_none():
    assert sharpness(np.full((100, 100, 3), 90, np.uint8)) == 0


def test_blur_makes_it_less():
    values = [sharpness(cv2.GaussianBlur(NOISE, (0, 0), sigma)) for sigma in (0.5, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 4 * values[-1]


def test_it_is_measured_in_a_downscaled_frame_too():
    frame = Frame(NOISE, (200, 200))
    assert face_sharpness(frame, face_of(3, (1.0, 0.0))) > 0


def test_a_known_value():
    """A step of 100 grey levels: the Laplacian is 100 and -100 in the two columns beside it."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, 14:] = 100
    from emorec.types import Box, Face, FaceEmotion, Prediction

    face = FaceEmotion(Face(Box(0, 0, 64, 64), "stub", 1.0), Prediction({"happy": 1.0}))
    expected = 2 * 100**2 / 64
    assert face_sharpness(Frame.from_image(image), face) == pytest.approx(expected)
