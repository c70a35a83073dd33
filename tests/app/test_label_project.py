"""Faces are labelled, and labels are found again."""

from pathlib import Path

import pytest
from helpers.label_faces import found, frame, make_project

from emorec.app.label_project import DONE, WAITING, LabelProject
from emorec.app.responses import RequestError
from emorec.errors import ConfigError, DataError

FILES = [("a.jpg", 10), ("b.jpg", 10)]


def reopened(project: LabelProject, folder: Path) -> LabelProject:
    again = make_project(folder)
    if stored := project.store.open(project.files):
        again.restore(stored.faces)
    return again


def test_without_faces(tmp_path: Path):
    project = make_project(tmp_path)
    assert project.add("a.jpg", frame(), []) == []
    assert project.describe() == {
        "id": "id",
        "kind": "photos",
        "name": "photos",
        "state": "done",
        "error": None,
        "frames": 0,
        "expected": None,
        "seconds_left": None,
        "labels": ["happy", "sad", "angry"],
        "most_labels": 3,
        "faces": [],
    }
    with pytest.raises(RequestError, match="there is no face 0"):
        project.image(0)


def test_labels_are_found_again(tmp_path: Path):
    project = make_project(tmp_path)
    project.add("a.jpg", frame(), [found(10), found(60)])
    project.add("b.jpg", frame(), [found(10)])
    assert project.image(2).read_bytes()[:2] == b"\xff\xd8"
    project.set_face(0, ["happy", "sad"], False)
    project.set_face(1, [], True)
    again = reopened(project, tmp_path)
    # In another order, with boxes of another detector, and an additional face.
    again.add("b.jpg", frame(), [found(10)])
    again.add("a.jpg", frame(), [found(35), found(61), found(11)])
    states = [(face.labels, face.skipped) for face in again.faces]
    assert states == [((), False), ((), False), ((), True), (("happy", "sad"), False)]
    assert [face["number"] for face in again.describe(2)["faces"]] == [2, 3]


def test_labels_of_photos_that_are_not_sent_yet_stay_stored(tmp_path: Path):
    project = make_project(tmp_path)
    project.add("a.jpg", frame(), [found()])
    project.add("b.jpg", frame(), [found()])
    project.set_face(0, ["happy"], False)
    again = reopened(project, tmp_path)
    again.add("b.jpg", frame(), [found()])
    again.set_face(0, ["sad"], False)
    paths = [face.path for face in again.store.open(FILES).faces]
    assert sorted(paths) == ["a.jpg", "b.jpg"]


def test_nothing_is_stored_without_labels(tmp_path: Path):
    project = make_project(tmp_path)
    project.add("a.jpg", frame(), [found()])
    project.set_labels(["happy", "sad"])
    assert project.store.open(FILES) is None
    project.set_face(0, ["happy"], False)
    assert project.store.open(FILES).labels == ("happy", "sad")
    project.set_face(0, [], False)
    assert project.store.open(FILES) is None


def test_forgetting(tmp_path: Path):
    project = make_project(tmp_path)
    project.add("a.jpg", frame(), [found()])
    project.set_face(0, ["happy"], False)
    project.forget()
    assert project.faces[0].labels == ()
    assert list((tmp_path / "labels").iterdir()) == []


@pytest.mark.parametrize(
    ("labels", "skipped", "message"),
    [
        (["glee"], False, "unknown label 'glee'; known: happy, sad, angry, fear"),
        (["happy", "sad", "angry", "fear"], False, "up to 3 different labels"),
        (["happy", "happy"], False, "up to 3 different labels"),
        (["happy"], True, "none if it is skipped"),
    ],
)
def test_bad_labels_of_a_face(tmp_path: Path, labels, skipped: bool, message: str):
    project = make_project(tmp_path, labels=("happy", "sad", "angry", "fear"))
    project.add("a.jpg", frame(), [found()])
    with pytest.raises(ConfigError, match=message):
        project.set_face(0, labels, skipped)
    assert project.faces[0].labels == ()


def test_own_labels_are_one_for_each_face(tmp_path: Path):
    project = make_project(tmp_path, labels=("smile", "no smile"))
    project.add("a.jpg", frame(), [found()])
    assert project.describe()["most_labels"] == 1
    with pytest.raises(ConfigError, match="up to 1 different labels"):
        project.set_face(0, ["smile", "no smile"], False)


def test_changing_the_labels(tmp_path: Path):
    project = make_project(tmp_path)
    project.add("a.jpg", frame(), [found()])
    project.set_face(0, ["happy", "sad"], False)
    with pytest.raises(ConfigError, match="faces have the label 'happy': keep it"):
        project.set_labels(["sad", "angry"])
    with pytest.raises(ConfigError, match="several labels, which only emotions can be"):
        project.set_labels(["sad", "happy", "bored"])
    assert project.labels == ("happy", "sad", "angry")
    project.set_labels(["joy", "sadness", "fear"])
    assert project.labels == ("happy", "sad", "fear")


def test_a_label_that_cannot_be_stored_is_not_set(tmp_path: Path):
    project = make_project(tmp_path)
    project.add("a.jpg", frame(), [found()])
    (tmp_path / "labels").write_text("a file where the folder should be")
    with pytest.raises(DataError, match="cannot"):
        project.set_face(0, ["happy"], False)
    assert project.faces[0].labels == ()


def test_what_is_sent_twice_or_too_much(tmp_path: Path):
    project = make_project(tmp_path, most_faces=2)
    project.add("a.jpg", frame(), [found()])
    with pytest.raises(RequestError, match=r"a.jpg: the image was sent before") as twice:
        project.add("a.jpg", frame(), [found()])
    with pytest.raises(RequestError, match="over 2 faces") as many:
        project.add("b.jpg", frame(), [found(), found(60)])
    assert (twice.value.status, many.value.status) == (409, 413)
    with pytest.raises(ConfigError, match=r"'c\.jpg' is none of the chosen photos"):
        project.require_chosen("c.jpg")
    project.require_chosen("b.jpg")


def test_only_a_video_is_waited_for(tmp_path: Path):
    video = make_project(tmp_path, ["a.mp4"], is_video=True)
    assert video.state == WAITING
    video.require_waiting()
    with pytest.raises(ConfigError, match="none of the chosen photos"):
        video.require_chosen("a.mp4")
    photos = make_project(tmp_path)
    assert photos.state == DONE
    with pytest.raises(RequestError, match="is of photos"):
        photos.require_waiting()
