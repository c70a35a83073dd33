"""events.tsv, read as the documentation of BORIS describes its tabular export."""

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest

DOCUMENTED = (
    *("Observation id", "Observation date", "Description", "Observation duration"),
    *("Observation type", "Source", "Time offset (s)", "Media duration (s)", "FPS"),
    *("Subject", "Behavior", "Behavioral category", "Behavior type", "Time"),
    *("Media file name", "Image index", "Image file path", "Comment"),
)
"""Columns of BORIS 8 without independent variables and modifiers, in order."""


@dataclass(frozen=True)
class StateEvent:
    """A state event: BORIS pairs its rows by observation, subject and behavior."""

    observation: str
    subject: str
    behavior: str
    start: float
    stop: float


def read_events(path: Path) -> list[StateEvent]:
    """Read state events as BORIS pairs them; fails where a row is not as it writes it."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, dialect="excel-tab")
        assert tuple(rows.fieldnames or ()) == DOCUMENTED
        running: dict[tuple[str, str, str], float] = {}
        last: dict[str, float] = {}
        found = []
        for row in rows:
            assert None not in row
            observation, time = row["Observation id"], float(row["Time"])
            assert time >= last.get(observation, 0.0), "rows are in order of time"
            last[observation] = time
            assert time <= float(row["Observation duration"])
            assert row["Observation type"] in ("Media file(s)", "Live observation")
            key = (observation, row["Subject"], row["Behavior"])
            if row["Behavior type"] == "START":
                assert key not in running, "a state that is on cannot start"
                running[key] = time
            else:
                assert row["Behavior type"] == "STOP"
                found.append(StateEvent(*key, running.pop(key), time))
        assert not running, "every state event is paired"
    return found


def test_state_events(one_video: Path):
    assert read_events(one_video / "events.tsv") == [
        StateEvent("a.avi", "Anna", "happy", 0.0, 0.2),
        StateEvent("a.avi", "Anna", "sad", 0.2, 0.3),
        StateEvent("a.avi", "a.avi-2", "sad", 0.1, 0.4),
        StateEvent("a.avi", "Anna", "happy", 0.5, 0.6),
    ]


def test_the_media_file(one_video: Path):
    rows = list(csv.DictReader((one_video / "events.tsv").open(), dialect="excel-tab"))
    clip = str(one_video.parent / "a.avi")
    for row in rows:
        assert (row["Source"], row["Media file name"]) == (f"player #1:{clip}", clip)
        assert (row["FPS"], row["Media duration (s)"]) == ("10.000", "0.600")
    assert [row["Image index"] for row in rows[:3]] == ["0", "1", "1"]


def test_a_camera_is_a_live_observation(two_videos: Path):
    rows = list(csv.DictReader((two_videos / "events.tsv").open(), dialect="excel-tab"))
    live = [row for row in rows if row["Observation id"] == "camera-0"]
    assert {row["Observation type"] for row in live} == {"Live observation"}
    assert {row["Source"] for row in live} == {row["FPS"] for row in live} == {"NA"}
    found = read_events(two_videos / "events.tsv")
    assert {event.observation for event in found} == {"a.avi", "camera-0"}
    assert all(event.stop > event.start for event in found)


@pytest.mark.parametrize("column", ["Observation date", "Description"])
def test_cells_that_are_not_empty(one_video: Path, column: str):
    rows = list(csv.DictReader((one_video / "events.tsv").open(), dialect="excel-tab"))
    assert all(row[column] for row in rows)
