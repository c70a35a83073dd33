"""The faces of a video that is labelled are those of frames at regular intervals."""

import time
from pathlib import Path

import cv2
import pytest
from helpers.clips import Placed, draw, write_clip

from emorec.app.label_project import LabelProject
from emorec.app.label_projects import LabelProjects
from emorec.app.label_store import LabelStore
from emorec.app.label_video import LabelVideos
from emorec.app.limits import AppLimits
from emorec.app.recognizers import RecognitionOptions, Recognizers


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds: a face on the left, then nobody, then a face on the right."""
    images = [
        draw([Placed(100, 120)] if number < 14 else [Placed(220, 120)] * (number > 26), (320, 240))
        for number in range(40)
    ]
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.avi", images, 20)


def run(folder: Path, content: bytes, recognizers: Recognizers, limits: AppLimits) -> LabelProject:
    folder.mkdir(exist_ok=True)
    projects = LabelProjects(folder, limits, LabelStore(folder / "labels"))
    recognizer = recognizers.open(RecognitionOptions())
    project = projects.open("talk.avi", [("talk.avi", 1)], True, recognizer)
    upload = project.folder / "upload"
    upload.write_bytes(content)
    videos = LabelVideos(limits)
    videos.add(project, upload)
    deadline = time.monotonic() + 120
    while project.state == "running" and time.monotonic() < deadline:
        time.sleep(0.02)
    videos.close()
    assert not upload.exists()
    return project


def test_every_half_second(tmp_path: Path, clip: Path, recognizers: Recognizers):
    project = run(tmp_path / "a", clip.read_bytes(), recognizers, AppLimits())
    assert (project.state, project.error) == ("done", None)
    assert (project.frames, project.expected, project.seconds_left) == (4, 4, None)
    paths = [face.path for face in project.faces]
    assert paths == ["talk-000000.png", "talk-000010.png", "talk-000030.png"]
    assert [round(face.box.x / 100) for face in project.faces] == [1, 1, 2]
    image = cv2.imread(str(project.folder / "talk-000030.png"))
    assert image.shape == (240, 320, 3)
    kept = {path.name for path in project.folder.iterdir()}
    assert kept == {*paths, "face-0.jpg", "face-1.jpg", "face-2.jpg"}


def test_a_long_video_is_looked_at_less_often(tmp_path: Path, clip: Path, recognizers: Recognizers):
    limits = AppLimits(labelled_frames=2)
    project = run(tmp_path / "a", clip.read_bytes(), recognizers, limits)
    assert (project.frames, project.expected) == (2, 2)
    assert [face.path for face in project.faces] == ["talk-000000.png"]


def test_what_is_no_video(tmp_path: Path, recognizers: Recognizers):
    project = run(tmp_path / "a", b"no video", recognizers, AppLimits())
    assert project.state == "failed"
    assert project.error is not None
    assert project.error.startswith("talk.avi: ")
    assert str(tmp_path) not in project.error


def test_a_truncated_video_keeps_what_was_read(
    tmp_path: Path, clip: Path, recognizers: Recognizers
):
    content = clip.read_bytes()
    project = run(tmp_path / "a", content[: len(content) // 2], recognizers, AppLimits())
    assert project.state == "done"
    assert len(project.faces) >= 1
    assert project.error is None or project.error.startswith("talk.avi: ")


def test_a_closed_project_leaves_nothing(tmp_path: Path, clip: Path, recognizers: Recognizers):
    limits = AppLimits()
    projects = LabelProjects(tmp_path, limits, LabelStore(tmp_path / "labels"))
    recognizer = recognizers.open(RecognitionOptions())
    project = projects.open("talk.avi", [("talk.avi", 1)], True, recognizer)
    upload = project.folder / "upload"
    upload.write_bytes(clip.read_bytes())
    videos = LabelVideos(limits)
    videos.add(project, upload)
    projects.close(project.id)
    videos._pool.shutdown(wait=True)
    assert list(tmp_path.iterdir()) == []
