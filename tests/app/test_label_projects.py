"""Open projects have a folder each; their labels outlive them."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.label_faces import found, frame

from emorec.app.label_projects import LabelProjects
from emorec.app.label_store import LabelStore
from emorec.app.limits import AppLimits
from emorec.app.responses import RequestError
from emorec.errors import ConfigError

FILES = [("a.jpg", 10)]
MODEL = SimpleNamespace(labels=("happiness", "sad"))


@pytest.fixture
def projects(tmp_path: Path) -> LabelProjects:
    (tmp_path / "scratch").mkdir()
    limits = AppLimits(project_count=2)
    return LabelProjects(tmp_path / "scratch", limits, LabelStore(tmp_path / "labels"))


def test_opening_and_closing(projects: LabelProjects, tmp_path: Path):
    project = projects.open("photos", FILES, False, MODEL)
    assert projects.get(project.id) is project
    assert project.labels == ("happy", "sad"), "labels of a model get their canonical names"
    assert len(project.id) == 22
    project.add("a.jpg", frame(), [found()])
    project.set_face(0, ["sad"], False)
    projects.close(project.id)
    assert list((tmp_path / "scratch").iterdir()) == []
    for id_ in (project.id, "..", ""):
        with pytest.raises(RequestError, match="these photos are not open"):
            projects.get(id_)
    again = projects.open("photos", FILES, False, MODEL)
    again.add("a.jpg", frame(), [found()])
    assert again.faces[0].labels == ("sad",)


def test_the_same_files_are_open_once(projects: LabelProjects):
    first = projects.open("photos", FILES, False, MODEL)
    second = projects.open("photos", FILES, False, MODEL)
    with pytest.raises(RequestError, match="another page may have opened them"):
        projects.get(first.id)
    assert projects.get(second.id) is second


def test_few_projects_are_open(projects: LabelProjects):
    projects.open("a", FILES, False, MODEL)
    projects.open("b", [("b.jpg", 1)], False, MODEL)
    with pytest.raises(RequestError, match="2 folders are open to be labelled; close one"):
        projects.open("c", [("c.jpg", 1)], False, MODEL)


def test_own_labels(projects: LabelProjects, tmp_path: Path):
    project = projects.open("a", FILES, False, MODEL, ["smile", "frown"])
    project.add("a.jpg", frame(), [found()])
    project.set_face(0, ["frown"], False)
    projects.close(project.id)
    # The stored ones come before those of the model.
    assert projects.open("a", FILES, False, MODEL).labels == ("smile", "frown")
    more = projects.open("a", FILES, False, MODEL, ["smile", "frown", "other"])
    assert more.labels == ("smile", "frown", "other")
    projects.close(more.id)
    with pytest.raises(ConfigError, match="faces have the label 'frown'"):
        projects.open("a", FILES, False, MODEL, ["smile", "other"])
    assert list((tmp_path / "scratch").iterdir()) == []


def test_the_end_of_the_app_cancels(projects: LabelProjects):
    project = projects.open("a", FILES, False, MODEL)
    projects.close_all()
    assert project.cancelled.is_set()
