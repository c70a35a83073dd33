import pytest
from helpers.example_sessions import HAPPY, SAD, session_frame

from emorec.errors import ConfigError
from emorec.outputs.session.survey import overlap_s, survey

FRAMES = [
    session_frame("a", 0, 0.0, 0.5, {"x": HAPPY}),
    session_frame("a", 1, 0.5, 0.5, {"x": SAD, "y": SAD}),
    session_frame("a", 2, 1.0, 0.5, {}),
    session_frame("b", 0, 2.0, 1.0, {"x": SAD}),
]


def test_nothing():
    found = survey([], {})
    assert (found.videos, found.people) == ({}, {})


def test_videos_and_people():
    found = survey(FRAMES, {("a", 1): "Anna", ("b", 1): "Anna"})
    video = found.videos["a"]
    assert (video.first_s, video.end_s, video.seconds, video.frames) == (0.0, 1.5, 1.5, 3)
    assert list(found.people) == [("a", "Anna"), ("a", "a-2"), ("b", "Anna")]
    anna = found.people["a", "Anna"]
    assert (anna.first_s, anna.last_s, anna.ids, anna.baseline) == (0.0, 1.0, {1}, None)
    assert found.ids == {"a": {1, 2}, "b": {1}}


def test_the_baseline_is_weighted_by_time_within_it():
    found = survey(FRAMES, {}, (0.25, 0.75))
    x, y = found.people["a", "a-1"], found.people["a", "a-2"]
    assert (x.baseline_seen_s, x.baseline) == (0.5, pytest.approx([0.5, 0.5]))
    assert (y.baseline_seen_s, y.baseline) == (0.25, pytest.approx(list(SAD)))
    assert found.people["b", "b-1"].baseline is None


def test_one_name_for_two_faces_of_a_frame():
    with pytest.raises(ConfigError, match=r"'A' has face 1 and face 2 of a.*0\.50 s"):
        survey(FRAMES, {("a", 1): "A", ("a", 2): "A"})


@pytest.mark.parametrize(
    ("interval", "seconds"), [((0, 1), 0.5), ((0.6, 0.7), 0.1), ((1, 2), 0), ((0.9, 9), 0.1)]
)
def test_overlap(interval: tuple[float, float], seconds: float):
    assert overlap_s(FRAMES[1], *interval) == pytest.approx(seconds)
