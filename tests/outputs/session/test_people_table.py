import csv

import pytest
from helpers.example_records import LABELS
from helpers.example_sessions import HAPPY, SAD, session_frame

from emorec.outputs.session.frame_table import SessionFrame
from emorec.outputs.session.people_table import PeopleTable
from emorec.outputs.session.session_columns import PEOPLE, header
from emorec.outputs.session.survey import survey

FRAMES = [
    session_frame("a", 0, 0.0, 1.0, {"Anna": HAPPY}),
    session_frame("a", 1, 1.0, 3.0, {"Anna": SAD, "Ben": SAD}),
    session_frame("a", 2, 4.0, 1.0, {}),
    session_frame("a", 3, 5.0, 1.0, {"Anna": HAPPY}),
    session_frame("b", 0, 0.0, 2.0, {"Anna": HAPPY}),
]
NAMES = {("a", 1): "Anna", ("a", 2): "Ben", ("b", 1): "Anna"}


def table(frames: list[SessionFrame], baseline: tuple | None = None) -> PeopleTable:
    found = PeopleTable(LABELS, survey(frames, NAMES, baseline), baseline is not None)
    for frame in frames:
        found.add(frame)
    return found


def test_nobody():
    assert table([]).rows() == []
    assert table([]).text() == ",".join(header(PEOPLE, LABELS)) + "\n"


def test_a_row_a_person_and_video_and_one_for_several_videos():
    found = [(row["person"], row["video"], row["seen_s"]) for row in table(FRAMES).rows()]
    assert found == [
        ("Anna", "a", 5.0),
        ("Anna", "b", 2.0),
        ("Anna", "(all)", 7.0),
        ("Ben", "a", 3.0),
    ]


def test_values():
    anna, _, everywhere, ben = table(FRAMES).rows()
    assert (anna["ids"], anna["first_s"], anna["last_s"]) == ("1", 0.0, 6.0)
    assert (anna["missing_s"], anna["unseen_s"], ben["missing_s"], ben["unseen_s"]) == (1, 1, 0, 3)
    assert (anna["frames"], anna["emotion"], anna["changes"]) == (3, "sad", 2)
    assert anna["changes_per_minute"] == pytest.approx(24)
    assert (anna["share_happy"], anna["share_sad"]) == (0.4, 0.6)
    assert anna["mean_happy"] == pytest.approx((2 * 0.75 + 3 * 0.25) / 5)
    assert (anna["mean_face_size"], anna["mean_sharpness"], anna["uncertain_share"]) == (8, 100, 0)
    assert (everywhere["first_s"], everywhere["changes"], everywhere["missing_s"]) == (None, 2, 1)
    assert everywhere["share_happy"] == pytest.approx(4 / 7)


def test_the_baseline():
    anna, _, everywhere, ben = table(FRAMES, (0.0, 1.0)).rows()
    assert (anna["baseline_seen_s"], anna["diff_happy"]) == (1.0, pytest.approx(-0.3))
    assert (ben["baseline_seen_s"], ben["diff_happy"]) == (0.0, None)
    assert everywhere["diff_happy"] is None


def test_the_text_has_the_rows():
    rows = list(csv.DictReader(table(FRAMES).text().splitlines()))
    assert [row["person"] for row in rows] == ["Anna", "Anna", "Anna", "Ben"]
    assert list(rows[0]) == header(PEOPLE, LABELS)
