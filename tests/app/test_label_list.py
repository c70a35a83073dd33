"""The list of labels is what prepare-data reads."""

import csv
import shlex
import zipfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

import cv2
import pytest
from helpers.label_faces import found, frame, make_project
from hypothesis import given
from hypothesis import strategies as st

from emorec.app.label_list import frame_name, list_path, prepare_command, write_list
from emorec.app.label_project import LabelProject
from emorec.app.responses import RequestError
from emorec.datasets.prepared_files import VOTE_COLUMNS
from emorec.datasets.readers.registry import read_source
from emorec.datasets.readers.rows import ReadOptions
from emorec.datasets.readers.shared import is_listable
from emorec.labels import VOTE_CLASSES
from emorec.table_cells import safe_cell
from emorec.types import LANDMARK_COLUMNS, Landmarks

NAMES = ("b.jpg", "a/=1+1.jpg", "=cmd|'x'.jpg", "-x.jpg", ' y, "z".jpg', "é'笑.jpg")


def project_of(folder: Path, names=NAMES, **settings) -> LabelProject:
    project = make_project(folder, names, **settings)
    for index, name in enumerate(names):
        project.add(name, frame(), [found(x=index - 2, happy=0.2)])
    return project


def written(project: LabelProject, folder: Path) -> tuple[Path, list[dict[str, str]]]:
    folder.mkdir(exist_ok=True)
    path = write_list(project, folder)
    with path.open(newline="", encoding="utf-8") as file:
        return path, list(csv.DictReader(file))


def test_nothing_is_labelled(tmp_path: Path):
    project = project_of(tmp_path)
    project.set_face(0, [], True)
    with pytest.raises(RequestError, match="no face has a label yet"):
        write_list(project, tmp_path)


def test_landmarks_are_those_of_the_detector(tmp_path: Path):
    project = make_project(tmp_path, ["a.jpg"])
    points = Landmarks(*((index + 0.25, index + 0.5) for index in range(5)))
    seen = found()
    marked = replace(seen, face=replace(seen.face, landmarks=points))
    project.add("a.jpg", frame(), [marked, found(x=50)])
    for number in range(2):
        project.set_face(number, ["sad"], False)
    path, rows = written(project, tmp_path / "list")
    assert list(rows[0])[6:] == list(LANDMARK_COLUMNS)
    assert [rows[0]["right_eye_x"], rows[0]["left_mouth_y"]] == ["0.250", "4.500"]
    assert {rows[1][name] for name in LANDMARK_COLUMNS} == {""}
    (path.parent / "a.jpg").write_bytes(b"x")
    boxes = read_source(path, ReadOptions(keep_labels=True)).boxes
    assert boxes is not None
    assert [box and box.landmarks for box in boxes] == [points, None]


def test_labels_of_photos(tmp_path: Path):
    """Paths that spreadsheet programs would compute are read back as they are."""
    project = project_of(tmp_path)
    for number in range(len(NAMES) - 1):
        project.set_face(number, ["sad"], False)
    project.set_face(5, [], True)
    path, rows = written(project, tmp_path / "list")
    assert len(rows) == 5
    assert list(rows[0]) == ["path", "x", "y", "width", "height", "label"]
    assert all(safe_cell(row[name]) == row[name] for row in rows for name in ("path", "label"))
    assert list(rows[-1].values()) == ["b.jpg", "-2", "10", "20", "20", "sad"]
    for name in NAMES:
        image = path.parent / name
        image.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(image), frame().image_bgr)
    raw = read_source(path.parent, ReadOptions())
    assert sorted(raw.names) == sorted(name for name in NAMES[:5])
    assert all(raw.images)
    assert raw.labels == ["sad"] * 5
    assert raw.votes is None


def test_several_labels_are_votes(tmp_path: Path):
    project = project_of(tmp_path, ["a.jpg", "b.jpg", "c.jpg"])
    project.set_face(0, ["sad", "happy"], False)
    project.set_face(1, ["angry"], False)
    project.set_face(2, ["angry", "sad", "happy"], False)
    path, rows = written(project, tmp_path / "list")
    assert [row["label"] for row in rows] == ["sad", "angry", "angry"]
    votes = [
        {name: int(row[column]) for name, column in zip(VOTE_CLASSES, VOTE_COLUMNS, strict=True)}
        for row in rows
    ]
    given_votes = [{name: count for name, count in row.items() if count} for row in votes]
    assert given_votes == [
        {"happy": 5, "sad": 5},
        {"angry": 10},
        {"happy": 3, "sad": 3, "angry": 3},
    ]
    raw = read_source(path, ReadOptions())
    assert raw.votes is not None
    assert raw.votes.tolist() == [list(row.values()) for row in votes]


def test_a_video_is_packed_with_its_frames(tmp_path: Path):
    name = frame_name("my talk.mp4", 7)
    project = make_project(tmp_path, ["my talk.mp4"], is_video=True, name="my talk.mp4")
    for each in (name, frame_name("my talk.mp4", 22)):
        cv2.imwrite(str(project.folder / each), frame().image_bgr)
        project.add(each, frame(), [found(), found(60)])
    project.set_face(0, ["happy"], False)
    project.set_face(1, ["sad"], False)
    target = tmp_path / "list"
    target.mkdir()
    with zipfile.ZipFile(write_list(project, target)) as archive:
        assert archive.namelist() == ["labels.csv", "my-talk-000007.png"], "no unlabelled frame"
        archive.extractall(tmp_path / "unpacked")
        rows = archive.read("labels.csv").decode().splitlines()
    assert rows == [
        "path,x,y,width,height,label",
        f"{name},10,10,20,20,happy",
        f"{name},60,10,20,20,sad",
    ]
    assert all(read_source(tmp_path / "unpacked", ReadOptions()).images)


@pytest.mark.parametrize(
    ("video", "name"),
    [
        ("", "video-000003.png"),
        ("../../=x.mp4", "x-000003.png"),
        ("笑.mp4", "video-000003.png"),
        ("a" * 90 + ".mp4", "a" * 40 + "-000003.png"),
    ],
)
def test_names_of_frames_are_plain(video: str, name: str):
    assert frame_name(video, 3) == name


@given(st.text(min_size=1, max_size=8).filter(is_listable))
def test_paths_name_the_same_file(path: str):
    """For the reader, which removes blanks around a cell."""
    cell = list_path(path)
    assert safe_cell(cell) == cell
    if path == path.rstrip():  # a name of an image ends with its suffix
        assert PurePosixPath(cell.strip()) == PurePosixPath(path)


@pytest.mark.parametrize(
    ("labels", "name", "words"),
    [
        (
            ("happy", "sad"),
            "photos",
            ["photos/labels.csv", "--faces", "boxes"],
        ),
        (
            ("happy", "contempt"),
            "my photos; rm -rf",
            ["my photos; rm -rf/labels.csv", "--faces", "boxes", "--classes", "8"],
        ),
        (("happy", "sad"), "--out", ["./--out/labels.csv", "--faces", "boxes"]),
        (("smile", "no smile"), "x", ["x/labels.csv", "--faces", "boxes", "--keep-labels"]),
    ],
)
def test_the_next_command(tmp_path: Path, labels, name: str, words: list[str]):
    command = prepare_command(make_project(tmp_path, labels=labels, name=name))
    assert shlex.split(command) == ["emorec", "prepare-data", *words, "--out", "DATA"]


def test_the_command_for_a_video(tmp_path: Path):
    project = make_project(tmp_path, ["talk.mp4"], is_video=True, name="talk.mp4")
    assert "talk-labels/labels.csv" in prepare_command(project)
