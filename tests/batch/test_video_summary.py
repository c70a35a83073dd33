from itertools import pairwise

import pytest

from emorec.batch import video_summary as module
from emorec.batch.video_summary import VideoSummary
from emorec.types import Box, Face, FaceEmotion, Prediction


def face(id_: int | None, happy: float) -> FaceEmotion:
    prediction = Prediction({"happy": happy, "sad": 1 - happy})
    return FaceEmotion(Face(Box(0, 0, 9, 9), "stub", 1.0), prediction, id_)


def test_no_frames():
    summary = VideoSummary("a.mp4", 0.1)
    tracks = summary.finish()
    assert summary.record(tracks) == {
        "source": "a.mp4",
        "frames": 0,
        "duration_s": 0.0,
        "tracks": [],
    }


def test_times_shares_and_changes():
    summary = VideoSummary("a.mp4", 0.5, max_gap_s=2)
    # Frames of different durations: 1 s, 2 s, 1 s, and the last one of half a second.
    summary.add([face(1, 0.9), face(2, 0.1)], 10)
    summary.add([face(1, 0.2)], 11)
    summary.add([face(2, 0.3), face(None, 0.3)], 13)
    summary.add([face(1, 0.8)], 14)
    first, second = summary.record(summary.finish())["tracks"]
    assert first == {
        "id": 1,
        "first_s": 10,
        "last_s": 14,
        "seconds": 3.5,
        "emotion": "sad",
        "shares": {"sad": pytest.approx(2 / 3.5), "happy": pytest.approx(1.5 / 3.5)},
        "changes": 2,
    }
    assert (second["seconds"], second["emotion"], second["changes"]) == (2, "sad", 0)


@pytest.mark.parametrize(
    ("times", "frame_s", "max_gap_s", "expected"),
    [
        ([], 0.04, 1, None),
        ([5], 0.04, 1, 0.04),
        ([0, 0.9], 0.04, 1, 0.94),
        # Ten frames, a gap of five seconds, and ten more frames.
        ([n / 25 + 5 * (n > 9) for n in range(20)], 0.04, 1, 0.8),
        ([0, 0.5], 0.04, 0, 0.08),
        ([0, 0.1], 0.04, 0, 0.14),
        ([0, 5, 10], 5, 1, 15),
    ],
)
def test_only_time_with_frames_counts(times, frame_s, max_gap_s, expected):
    summary = VideoSummary("a.webm", frame_s, max_gap_s)
    for time_s in times:
        summary.add([face(1, 0.9)], time_s)
    assert [track.seconds for track in summary.finish()] == (
        [] if expected is None else [pytest.approx(expected)]
    )


def test_gaps_are_recorded():
    summary = VideoSummary("http://host/a", 1)
    assert summary.record([], [(1.5, 4.0)])["gaps"] == [[1.5, 4.0]]


def test_a_frame_without_a_duration():
    summary = VideoSummary("a.mp4", 0)
    summary.add([face(1, 0.9)], 0)
    (track,) = summary.finish()
    assert (track.emotion, track.shares) == ("happy", {"happy": 1.0})


@pytest.mark.parametrize("frames", [1, 10, 11, 100, 1000])
def test_timelines_stay_short_and_even(monkeypatch, frames):
    monkeypatch.setattr(module, "MAX_POINTS", 10)
    summary = VideoSummary("a.mp4", 1, timeline=True)
    for number in range(frames):
        summary.add([face(1, number / 1000)], number)
    (track,) = summary.finish()
    times = [point.time_s for point in track.points]
    assert min(frames, 5) <= len(times) <= 10
    steps = {later - earlier for earlier, later in pairwise(times)}
    assert len(steps) <= 1
    assert times[0] == 0
    assert times[-1] >= frames - 1 - max(steps, default=0)


def test_without_a_plot_no_timeline_is_kept():
    summary = VideoSummary("a.mp4", 1)
    summary.add([face(1, 0.5)], 0)
    assert summary.finish()[0].points == []
