"""Sessions keep their frames in files, until they are deleted."""

import json
from pathlib import Path

import numpy as np
import pytest

from emorec.app.limits import AppLimits
from emorec.app.responses import RequestError
from emorec.app.sessions import DONE, RUNNING, AppSession, SessionStore
from emorec.frames import Frame
from emorec.types import Box, Face, FaceEmotion, Prediction

LABELS = ("happy", "sad")


FPS = 25.0


class NoRecorder:
    """Records nothing; tests/app/test_recordings.py records."""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def begin_video(self, index, file):
        pass

    def add(self, *arguments):
        pass

    def end_video(self, **arguments):
        pass


def frame(time_s: float, size_wh: tuple[int, int] = (320, 240)) -> Frame:
    return Frame(np.zeros((1, 1, 3), np.uint8), size_wh, 0, time_s)


def face(id_: int, happy: float) -> FaceEmotion:
    prediction = Prediction({"happy": happy, "sad": 1 - happy}, uncertain=happy < 0.6)
    return FaceEmotion(Face(Box(1, 2, 30, 40), "yunet", 0.9), prediction, id_)


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    return SessionStore(tmp_path, AppLimits(session_count=2))


@pytest.fixture
def session(store: SessionStore) -> AppSession:
    return store.create("video", "a.mp4", LABELS)


def test_frames(session: AppSession):
    assert json.loads("".join(session.frames_json()))["frames"] == []
    session.begin(NoRecorder())
    session.add(frame(0.0), [], FPS)
    session.add(frame(0.04), [face(1, 0.75), face(2, 0.125)], FPS)
    session.finish(DONE)
    assert json.loads("".join(session.frames_json())) == {
        "labels": ["happy", "sad"],
        "width": 320,
        "height": 240,
        "frames": [
            [0.0, []],
            [
                0.04,
                [[1, 1, 2, 30, 40, 0, 0, [0.75, 0.25]], [2, 1, 2, 30, 40, 1, 1, [0.125, 0.875]]],
            ],
        ],
    }
    assert session.describe() | {"id": ""} == {
        "id": "",
        "kind": "video",
        "name": "a.mp4",
        "state": "done",
        "error": None,
        "note": None,
        "frames": 2,
        "expected": None,
        "seconds_left": None,
        "width": 320,
        "height": 240,
        "duration_s": 0.08,
        "labels": ["happy", "sad"],
        "people": [],
        "annotated": False,
    }


def test_a_line_that_is_being_written_is_left_out(session: AppSession):
    session.frames_file.write_text("[0.0, []]\n[0.04, [[1, 2")
    assert json.loads("".join(session.frames_json()))["frames"] == [[0.0, []]]


def test_the_time_left(session: AppSession, monkeypatch: pytest.MonkeyPatch):
    now = [100.0]
    monkeypatch.setattr("emorec.app.sessions.time.monotonic", lambda: now[0])
    session.begin(NoRecorder())
    session.expected = 40
    assert session.seconds_left is None
    for _ in range(10):
        session.add(frame(0.0), [], FPS)
    now[0] += 5
    assert session.seconds_left == 15.0
    session.finish(DONE)
    assert session.seconds_left is None


def test_ids_cannot_be_guessed_and_sessions_are_few(store: SessionStore):
    first, second = store.create("video", "a", LABELS), store.create("camera", "b", LABELS)
    assert store.all() == [first, second]
    assert len(first.id) == 22
    assert first.id != second.id
    with pytest.raises(RequestError, match="there are 2 sessions; delete one of them") as error:
        store.create("video", "c", LABELS)
    assert error.value.status == 503


def test_deleting(store: SessionStore, session: AppSession):
    store.delete(session.id)
    assert not session.folder.exists()
    assert not store.holds(session)
    for id_ in (session.id, "..", ""):
        with pytest.raises(RequestError, match="no such session"):
            store.get(id_)


def test_the_files_of_a_running_session_stay_until_its_work_ends(
    store: SessionStore, session: AppSession
):
    session.begin(NoRecorder())
    assert session.state == RUNNING
    store.delete(session.id)
    assert session.cancelled.is_set()
    assert session.folder.exists()
    session.finish(DONE)
