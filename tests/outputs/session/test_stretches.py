import pytest
from helpers.example_sessions import HAPPY, SAD, session_frame

from emorec.outputs.session.frame_table import SessionFrame
from emorec.outputs.session.stretches import Stretch, Stretches


def ended(frames: list[SessionFrame]) -> list[tuple]:
    found: list[Stretch] = []
    times: list[float] = []
    stretches = Stretches(lambda s: times.append(s.begin_s), lambda s: times.append(s.end_s))
    for frame in frames:
        stretches.add(frame)
    stretches.finish()
    stretches = Stretches(lambda s: None, found.append)
    for frame in frames:
        stretches.add(frame)
    stretches.finish()
    if len({frame.video for frame in frames}) == 1:
        assert times == sorted(times)
    return [(s.video, s.person, s.emotion, s.begin_s, s.end_s, s.first, s.last) for s in found]


def clip(*people: dict, video: str = "a") -> list[SessionFrame]:
    return [session_frame(video, n, n * 0.1, 0.1, each) for n, each in enumerate(people)]


A, B = {"x": HAPPY}, {"x": SAD}


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([], []),
        (clip({}), []),
        (clip(A), [("happy", 0.0, 0.1, 0, 0)]),
        (clip(A, A, B), [("happy", 0.0, 0.2, 0, 1), ("sad", 0.2, 0.3, 2, 2)]),
        (clip(A, {}, A), [("happy", 0.0, 0.1, 0, 0), ("happy", 0.2, 0.3, 2, 2)]),
        (
            clip(A, B, A),
            [("happy", 0, 0.1, 0, 0), ("sad", 0.1, 0.2, 1, 1), ("happy", 0.2, 0.3, 2, 2)],
        ),
    ],
)
def test_stretches_of_one_person(frames: list[SessionFrame], expected: list[tuple]):
    found = [row[2:] for row in ended(frames)]
    assert [row[0] for row in found] == [row[0] for row in expected]
    assert [row[1:] for row in found] == [pytest.approx(row[1:]) for row in expected]


def test_a_gap_of_a_stream_ends_a_stretch():
    frames = [session_frame("a", n, t, 0.1, A) for n, t in enumerate((0.0, 5.0))]
    assert len(ended(frames)) == 2


def test_two_people_and_two_videos():
    frames = clip({**A, "y": SAD}, {"x": SAD, "y": SAD}) + clip(A, video="b")
    assert [row[:3] for row in ended(frames)] == [
        ("a", "x", "happy"),
        ("a", "y", "sad"),
        ("a", "x", "sad"),
        ("b", "x", "happy"),
    ]
