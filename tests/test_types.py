import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.types import LANDMARK_NAMES, Box, Face, FaceEmotion, Landmarks, Prediction

boxes = st.builds(Box, *[st.integers(-50, 50)] * 2, *[st.integers(0, 60)] * 2)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Box(0, 0, 0, 0), Box(0, 0, 0, 0), 0),
        (Box(0, 0, 10, 10), Box(10, 0, 10, 10), 0),
        (Box(0, 0, 10, 10), Box(0, 0, 10, 10), 1),
        (Box(0, 0, 10, 10), Box(5, 0, 10, 10), 1 / 3),
        (Box(-5, -5, 10, 10), Box(-2, -2, 4, 4), 0.16),
    ],
)
def test_iou(one, other, expected):
    assert one.iou(other) == pytest.approx(expected)


@given(one=boxes, other=boxes)
def test_iou_is_a_fraction_and_symmetric(one, other):
    assert 0 <= one.iou(other) == other.iou(one) <= 1
    assert one.iou(one) == (1 if one.width * one.height else 0)


UPRIGHT = Landmarks((30, 40), (70, 40), (50, 60), (35, 80), (65, 80))


@pytest.mark.parametrize(
    ("left_eye", "tilt"),
    [
        ((70, 40), 0),
        ((130, 140), 45),
        ((30, 80), 90),  # rotated clockwise: the left eye is below the right one
        ((30, 0), -90),
        ((-10, 40), 180),  # upside down
        ((30, 40), 0),  # both eyes at one point
    ],
)
def test_tilt(left_eye, tilt):
    points = {**UPRIGHT.points, "left_eye": left_eye}
    assert Landmarks(**points).tilt == pytest.approx(tilt)


def test_landmarks_have_their_names_in_order():
    assert tuple(UPRIGHT.points) == LANDMARK_NAMES
    assert Landmarks(*UPRIGHT.points.values()) == UPRIGHT
    assert LANDMARK_NAMES == ("right_eye", "left_eye", "nose", "right_mouth", "left_mouth")


def test_landmarks_are_scaled_and_then_moved():
    assert UPRIGHT.mapped(2, 0.5, 1, -2).right_eye == (61, 18)
    assert UPRIGHT.mapped(1, 1) == UPRIGHT


@pytest.mark.parametrize("landmarks", [None, UPRIGHT])
def test_a_moved_face(landmarks):
    moved = Face(Box(20, 20, 60, 70), "stub", 1.0, landmarks).moved(-5, 10)
    assert (moved.box, moved.score) == (Box(15, 30, 60, 70), 1.0)
    assert moved.landmarks == (landmarks and landmarks.mapped(1, 1, -5, 10))


@pytest.mark.parametrize(
    ("box", "right_eye", "left_mouth"),
    [
        (Box(20, 20, 60, 80), (30, 40), (65, 80)),
        (Box(25, 10, 60, 80), (35, 30), (70, 70)),
        (Box(0, 0, 120, 40), (20, 10), (90, 30)),
    ],
)
def test_landmarks_keep_their_place_in_another_box(box, right_eye, left_mouth):
    face = Face(Box(20, 20, 60, 80), "stub", 1.0, UPRIGHT).fitted(box)
    assert face.box == box
    assert face.landmarks.right_eye == pytest.approx(right_eye)
    assert face.landmarks.left_mouth == pytest.approx(left_mouth)
    assert Face(Box(0, 0, 9, 9), "stub", 1.0).fitted(box).landmarks is None


@pytest.mark.parametrize("landmarks", [None, UPRIGHT])
def test_a_face_emotion_answers_for_its_parts(landmarks):
    face = Face(Box(1, 2, 3, 4), "stub", 5.5, landmarks)
    found = FaceEmotion(face, Prediction({"sad": 0.25, "happy": 0.75}, uncertain=True), id=7)
    assert (found.box, found.landmarks) == (Box(1, 2, 3, 4), landmarks)
    assert (found.detector, found.score) == ("stub", 5.5)
    assert (found.emotion, found.confidence, found.uncertain) == ("happy", 0.75, True)
    assert found.probabilities == {"sad": 0.25, "happy": 0.75}
    points = {name: list(point) for name, point in UPRIGHT.points.items()}
    assert found.to_dict() == {
        "id": 7,
        "box": [1, 2, 3, 4],
        "detector": "stub",
        "detector_score": 5.5,
        "landmarks": None if landmarks is None else points,
        "emotion": "happy",
        "confidence": 0.75,
        "probabilities": {"sad": 0.25, "happy": 0.75},
        "uncertain": True,
    }
    json.dumps(found.to_dict())
    found.to_dict()["probabilities"].clear()
    assert found.emotion == "happy"


def test_landmarks_of_a_dictionary_are_rounded():
    landmarks = Landmarks((-0.126, 12), *[(1.006, 2)] * 4)
    face = Face(Box(1, 2, 3, 4), "stub", 5.5, landmarks)
    points = FaceEmotion(face, Prediction({"happy": 1.0})).to_dict()["landmarks"]
    assert (points["right_eye"], points["nose"]) == ([-0.13, 12], [1.01, 2])
