import pytest
from helpers.example_records import LABELS
from helpers.example_sessions import HAPPY, SAD, session_frame

from emorec.outputs.session.frame_table import SessionFrame
from emorec.outputs.session.page_data import MAX_CELLS, MAX_PEOPLE, TimeGrid
from emorec.outputs.session.session_file import Session, SessionVideo
from emorec.outputs.session.survey import survey


def grid(frames: list[SessionFrame], frame_s: float) -> TimeGrid:
    for frame in frames:
        for face in frame.faces:
            face.person = f"{frame.video}-{face.id}"
    names = dict.fromkeys(frame.video for frame in frames)
    videos = tuple(SessionVideo(name, name, frame_s=frame_s) for name in names)
    session = Session("complete", LABELS, {}, "", videos=videos)
    found = TimeGrid(session, survey(frames, {}))
    for frame in frames:
        found.add(frame)
    return found


def test_a_video_without_frames():
    assert grid([], 0.1).video_data("a") == {"begin": 0, "end": 0, "cell": 1, "people": []}


def test_short_videos_keep_every_frame():
    frames = [
        session_frame("a", 0, 1.0, 0.1, {"x": HAPPY}),
        session_frame("a", 1, 1.1, 0.1, {}),
        session_frame("a", 2, 1.2, 0.1, {"x": SAD, "y": HAPPY}),
    ]
    data = grid(frames, 0.1).video_data("a")
    assert (data["begin"], data["end"], data["cell"]) == (1.0, pytest.approx(1.3), 0.1)
    assert data["people"] == [
        {"name": "a-1", "cells": [[0, 75, 25, 10, 5, 8, 8], [2, 25, 75, 10, 5, 8, 8]]},
        {"name": "a-2", "cells": [[2, 75, 25, 20, 5, 8, 8]]},
    ]


def test_a_frame_that_is_shown_for_long_fills_its_cells():
    frames = [
        session_frame("a", 0, 0.0, 0.5, {"x": HAPPY}),
        session_frame("a", 1, 0.5, 0.1, {"x": HAPPY}),
    ]
    (person,) = grid(frames, 0.1).video_data("a")["people"]
    assert [cell[0] for cell in person["cells"]] == list(range(6))


def test_long_videos_are_averaged_over_a_bounded_number_of_cells():
    frames = [
        session_frame("a", n, n / 25, 1 / 25, {"x": HAPPY if n % 2 else SAD}) for n in range(10_000)
    ]
    data = grid(frames, 1 / 25).video_data("a")
    (person,) = data["people"]
    assert len(person["cells"]) == MAX_CELLS
    assert all(40 <= cell[1] <= 60 for cell in person["cells"])


def test_only_some_of_many_people_are_shown():
    people = {f"p{number}": HAPPY for number in range(40)}
    frames = [session_frame("a", n, n / 10, 0.1, people) for n in range(3)]
    found = grid(frames, 0.1)
    assert len(found.video_data("a")["people"]) == MAX_PEOPLE
    assert found.hidden_people == 40 - MAX_PEOPLE
