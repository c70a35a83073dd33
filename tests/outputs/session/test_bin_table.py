import csv

import pytest
from helpers.example_records import LABELS
from helpers.example_sessions import HAPPY, SAD, session_frame

from emorec.errors import ConfigError
from emorec.outputs.session.bin_table import BinTable, check_bin
from emorec.outputs.session.frame_table import SessionFrame
from emorec.outputs.session.survey import survey


def rows(frames: list[SessionFrame], bin_s: float, baseline: tuple | None = None) -> list[dict]:
    for frame in frames:
        for face in frame.faces:
            face.person = f"{frame.video}-{face.id}"
    lines: list[str] = []
    found = survey(frames, {}, baseline)
    table = BinTable(lines.append, LABELS, found, bin_s, baseline is not None)
    for frame in frames:
        table.add(frame)
    table.finish()
    return list(csv.DictReader("".join(lines).splitlines()))


def values(row: dict, *names: str) -> list[float | None]:
    return [float(row[name]) if row[name] else None for name in names]


def test_nothing():
    assert rows([], 1.0) == []


def test_a_frame_counts_in_each_bin_that_it_is_shown_in():
    frames = [
        session_frame("a", 0, 0.0, 0.75, {"x": HAPPY}),
        session_frame("a", 1, 0.75, 0.5, {"x": SAD}),
    ]
    first, last = rows(frames, 1.0)
    assert values(first, "start_s", "end_s", "seen_s", "coverage") == [0, 1, 1, 1]
    assert values(first, "mean_happy", "peak_sad", "share_happy") == [0.625, 0.75, 0.75]
    assert values(last, "start_s", "end_s", "seen_s", "coverage") == [1, 1.25, 0.25, 1]
    assert values(last, "mean_happy", "peak_happy", "share_sad") == [0.25, 0.25, 1]
    assert (first["frames"], last["frames"]) == ("2", "0")


def test_coverage_and_bins_without_the_person():
    frames = [
        session_frame("a", 0, 0.5, 0.25, {"x": HAPPY}),
        session_frame("a", 1, 0.75, 1.25, {}),
        session_frame("a", 2, 2.0, 0.5, {"x": SAD}),
        session_frame("a", 3, 2.5, 1.0, {}),
    ]
    found = rows(frames, 1.0)
    assert [(row["bin"], row["coverage"], row["mean_sad"]) for row in found] == [
        ("0", "0.5", "0.25"),
        ("1", "0.0", ""),
        ("2", "0.5", "0.75"),
    ]
    assert values(found[0], "start_s", "end_s") == [0.5, 1]


@pytest.mark.parametrize(
    ("fps", "bin_s", "bins"), [(10, 1.0, 2), (10, 0.1, 20), (25, 0.2, 10), (30, 0.5, 4)]
)
def test_bins_of_whole_frames_are_full(fps: int, bin_s: float, bins: int):
    frames = [session_frame("a", n, n / fps, 1 / fps, {"x": HAPPY}) for n in range(2 * fps)]
    found = rows(frames, bin_s)
    assert [int(row["bin"]) for row in found] == list(range(bins))
    assert all(float(row["coverage"]) == pytest.approx(1) for row in found)
    assert sum(int(row["frames"]) for row in found) == 2 * fps


def test_differences_from_the_baseline():
    frames = [
        session_frame("a", 0, 0.0, 1.0, {"x": HAPPY}),
        session_frame("a", 1, 1.0, 1.0, {"x": SAD, "y": SAD}),
    ]
    found = rows(frames, 1.0, baseline=(0.0, 1.0))
    assert [(row["person"], row["diff_happy"]) for row in found] == [
        ("a-1", "0.0"),
        ("a-1", "-0.5"),
        ("a-2", ""),
    ]


def test_videos_have_their_own_bins():
    frames = [session_frame(video, 0, 0.0, 1.0, {"x": SAD}) for video in ("a", "b")]
    assert [(row["video"], row["bin"]) for row in rows(frames, 1.0)] == [("a", "0"), ("b", "0")]


def test_a_jump_of_the_times_makes_no_rows():
    frames = [session_frame("a", n, t, 0.1, {"x": SAD}) for n, t in enumerate((0.0, 1e9))]
    assert len(rows(frames, 0.01)) < 40


@pytest.mark.parametrize("bin_s", [0.0, -1.0, float("nan"), float("inf"), 0.001, 1e6])
def test_lengths_out_of_range(bin_s: float):
    with pytest.raises(ConfigError, match="a bin has"):
        check_bin(bin_s)
