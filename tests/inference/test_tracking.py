import math

import pytest
from helpers.clips import crossing
from hypothesis import given
from hypothesis import strategies as st

from emorec.errors import ConfigError
from emorec.inference.tracking import TRACKED, EmotionTracker, FaceTracker, distance_iou
from emorec.types import Box, Face, FaceEmotion, Landmarks, Prediction

boxes = st.builds(
    Box, *([st.integers(-1000, 1000)] * 2), *([st.integers(1, 500), st.integers(1, 500)])
)


def at(x: float, y: float = 100, side: int = 50) -> Box:
    return Box(round(x), round(y), side, side)


# Distance-IoU


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (at(0), at(0), 1),
        # No shared area: the squared distance of 100 over the squared diagonal of 150 x 50.
        (at(0), at(100), -(100**2) / (150**2 + 50**2)),
        # 25 x 50 shared of 75 x 50.
        (at(0), at(25), 1 / 3 - 25**2 / (75**2 + 50**2)),
        (Box(0, 0, 30, 30), Box(10, 10, 10, 10), 1 / 9),
    ],
)
def test_distance_iou(one, other, expected):
    assert distance_iou(one, other) == pytest.approx(expected)


@given(boxes, boxes)
def test_distance_iou_is_symmetric_and_bounded(one, other):
    assert distance_iou(one, other) == distance_iou(other, one)
    assert -1 < distance_iou(one, other) <= 1


# Ids


@given(st.lists(st.lists(boxes, max_size=6), max_size=8))
def test_all_boxes_get_distinct_ids(frames):
    tracker = FaceTracker()
    highest = 0
    for number, detected in enumerate(frames):
        ids = tracker.update(detected, number / 10)
        assert len(set(ids)) == len(ids) == len(detected)
        new = sorted(id_ for id_ in ids if id_ > highest)
        assert new == list(range(highest + 1, highest + 1 + len(new)))
        highest = max([highest, *ids])
        assert tracker.predict(number / 10).keys() == set(ids)


def test_no_frames_no_faces():
    assert FaceTracker().update([], 0) == []
    assert FaceTracker().predict(1) == {}


@pytest.mark.parametrize("gap", [-1, math.nan, math.inf])
def test_invalid_times(gap):
    with pytest.raises(ConfigError):
        FaceTracker(gap)
    with pytest.raises(ConfigError):
        EmotionTracker(gap)


def test_the_order_of_the_boxes_does_not_matter():
    tracker = FaceTracker()
    assert tracker.update([at(0), at(300)], 0) == [1, 2]
    assert tracker.update([at(305), at(5)], 0.1) == [2, 1]


@pytest.mark.parametrize("fps", [5, 10, 30, 120])
@pytest.mark.parametrize("speed", [0, 100, 200])
def test_a_moving_face_keeps_its_id_at_any_rate(fps, speed):
    tracker = FaceTracker()
    for number in range(3 * fps):
        assert tracker.update([at(speed * number / fps)], number / fps) == [1]


@pytest.mark.parametrize(("away_s", "expected"), [(0.3, 1), (0.9, 1), (1.2, 2)])
def test_gaps_are_bridged_for_the_stated_time(away_s, expected):
    tracker = FaceTracker(max_gap_s=1)
    for number in range(10):
        tracker.update([at(100)], number / 10)
    assert tracker.update([], 0.95) == []
    assert tracker.update([at(100)], 0.9 + away_s) == [expected]


def test_ids_are_not_reused():
    tracker = FaceTracker(max_gap_s=0.5)
    assert [tracker.update([at(0)], second) for second in range(4)] == [[1], [2], [3], [4]]


def test_a_distant_box_is_another_face():
    tracker = FaceTracker()
    tracker.update([at(0)], 0)
    assert tracker.update([at(200)], 0.1) == [2]
    assert tracker.update([at(0, side=120)], 0.2) == [3]


@pytest.mark.parametrize("hidden", [0, 30, 60])
@pytest.mark.parametrize("jitter", [0, 3])
def test_faces_that_cross_keep_their_ids(hidden, jitter):
    """The one in the back is not detected while they are less than `hidden` pixels apart."""
    tracker = FaceTracker()
    for number, (back, front) in enumerate(crossing()):
        shift = jitter * math.sin(7 * number)
        pair = {1: at(back.x + shift, back.y), 2: at(front.x - shift, front.y)}
        if abs(back.x - front.x) < hidden:
            del pair[1]
        ids = tracker.update(list(pair.values()), number / 30)
        if abs(back.x - front.x) >= 15:
            assert ids == list(pair), number


def test_positions_are_predicted_from_the_motion():
    tracker = FaceTracker()
    for number in range(20):
        tracker.update([at(10 * number), at(500)], number / 10)
    expected = tracker.predict(2.0)
    assert expected[1].x == pytest.approx(200, abs=4)
    assert expected[2].x == pytest.approx(500, abs=1)
    tracker.update([at(500)], 2.0)
    assert tracker.predict(2.1).keys() == {2}


# Emotions


def face(box: Box, happy: float) -> FaceEmotion:
    return FaceEmotion(Face(box, "stub", 7.5), Prediction({"happy": happy, "sad": 1 - happy}))


def happiness(faces: list[FaceEmotion]) -> list[float]:
    return [face.prediction.probabilities["happy"] for face in faces]


def test_without_smoothing_predictions_are_unchanged():
    tracker = EmotionTracker(smooth_s=0)
    for number, happy in enumerate((0.2, 0.9, 0.4)):
        assert happiness(tracker.update([face(at(0), happy)], number / 10)) == [happy]


@pytest.mark.parametrize("fps", [2, 10, 50])
def test_smoothing_is_the_same_at_every_rate(fps):
    tracker = EmotionTracker(smooth_s=0.5)
    tracker.update([face(at(0), 0)], 0)
    for number in range(1, fps + 1):
        faces = tracker.update([face(at(0), 1)], number / fps)
    assert happiness(faces) == pytest.approx([1 - math.exp(-1 / 0.5)])
    assert sum(faces[0].prediction.probabilities.values()) == pytest.approx(1)


def test_each_face_is_smoothed_alone():
    tracker = EmotionTracker(smooth_s=100)
    tracker.update([face(at(0), 0), face(at(300), 1)], 0)
    faces = tracker.update([face(at(300), 1), face(at(0), 0)], 0.1)
    assert [face.id for face in faces] == [2, 1]
    assert happiness(faces) == pytest.approx([1, 0])


def test_a_new_face_starts_with_its_own_prediction():
    tracker = EmotionTracker(smooth_s=100, max_gap_s=0.5)
    tracker.update([face(at(0), 0)], 0)
    assert happiness(tracker.update([face(at(0), 1)], 1)) == [1]


def test_faces_are_propagated_between_detections():
    tracker = EmotionTracker(smooth_s=0)
    assert tracker.propagate(0, {}) == []
    for number in range(10):
        tracker.update([face(at(300), 0.3), face(at(10 * number), 0.8)], number / 10)
    first, second = tracker.propagate(1.0, {})
    assert (first.id, second.id) == (2, 1)
    assert first.face.box.x == pytest.approx(100, abs=4)
    assert (first.face.detector, first.face.score) == (TRACKED, 7.5)
    assert happiness([first, second]) == [0.8, 0.3]
    assert tracker.propagate(1.0, {1: at(50)})[0].face.box == at(50)
    tracker.update([], 1.1)
    assert tracker.propagate(1.2, {}) == []


def test_landmarks_are_propagated_with_their_box():
    points = Landmarks((10, 20), (30, 20), (20, 30), (12, 40), (28, 40))
    detected = FaceEmotion(Face(Box(0, 0, 40, 50), "stub", 7.5, points), Prediction({"happy": 1.0}))
    tracker = EmotionTracker(smooth_s=0)
    (updated,) = tracker.update([detected], 0)
    assert updated.face.landmarks == points
    (propagated,) = tracker.propagate(0.1, {1: Box(9, -4, 40, 50)})
    assert propagated.face.landmarks == points.mapped(1, 1, 9, -4)
    assert (propagated.face.detector, propagated.face.score) == (TRACKED, 7.5)
    (larger,) = tracker.propagate(0.2, {1: Box(10, 20, 80, 100)})
    assert larger.face.landmarks == points.mapped(2, 2, 10, 20)


def test_a_missed_face_is_known_where_it_was_and_where_it_may_be():
    """Until its track ends; then, and while it is detected, it is not missed."""
    tracker = FaceTracker(max_gap_s=0.3)
    assert tracker.missed(0.0) == []
    for number in range(10):
        tracker.update([Box(20 * number, 50, 100, 100)], number / 10)
        assert tracker.missed(number / 10) == []
    tracker.update([], 1.0)
    (near,) = tracker.missed(1.0)
    (far,) = tracker.missed(1.1)
    for box, right in ((near, 300), (far, 310)):
        assert (box.x, box.y, box.height) == (180, 50, 100)
        assert box.x + box.width > right - 5
    tracker.update([], 1.25)
    assert tracker.missed(1.25) == []
