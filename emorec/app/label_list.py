"""Writes the labels of a project as a list that `emorec prepare-data` reads."""

import csv
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from emorec.app.label_choices import are_emotions
from emorec.app.label_project import LabelProject
from emorec.app.project_faces import ProjectFace
from emorec.app.responses import RequestError
from emorec.datasets.prepared_files import VOTE_COLUMNS
from emorec.datasets.readers.rows import LABEL_VOTES
from emorec.labels import VOTE_CLASSES
from emorec.shell_words import quoted
from emorec.table_cells import safe_cell
from emorec.types import LANDMARK_COLUMNS, Landmarks

LIST_NAME = "labels.csv"

_COLUMNS = ("path", "x", "y", "width", "height", "label")


def write_list(project: LabelProject, folder: Path) -> Path:
    """Write the labelled faces as a CSV file; for a video, as a zip file with their frames too.

    Each row is a face: the image, its box in pixels of the upright image, its label, and the
    landmarks of the detector, by which `prepare-data` rotates it as `detect` does. If a face has
    several labels, each row has ten votes, shared out to its labels.

    Args:
        project: The project.
        folder: An empty folder.

    Returns:
        The file to send.

    Raises:
        RequestError: No face has a label.
    """
    faces = sorted((face for face in project.faces if face.labels), key=_order)
    if not faces:
        raise RequestError(409, "empty", "no face has a label yet")
    path = folder / LIST_NAME
    with path.open("x", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        voted = any(len(face.labels) > 1 for face in faces)
        marked = any(face.landmarks for face in faces)
        header = [*_COLUMNS, *(LANDMARK_COLUMNS if marked else ())]
        writer.writerow([*header, *(VOTE_COLUMNS if voted else ())])
        for face in faces:
            box = face.box
            row = [list_path(face.path), box.x, box.y, box.width, box.height, face.labels[0]]
            row += _points(face.landmarks) if marked else []
            writer.writerow([*row, *(_votes(face.labels) if voted else ())])
    return _with_frames(project, faces, path) if project.is_video else path


def _points(landmarks: Landmarks | None) -> list[str]:
    if landmarks is None:
        return [""] * len(LANDMARK_COLUMNS)
    return [f"{value:.3f}" for point in landmarks.points.values() for value in point]


def _order(face: ProjectFace) -> tuple[str, int]:
    return face.path, face.number


def list_path(path: str) -> str:
    """Return a path that no spreadsheet program computes, and that names the same file.

    "./" in front of a name changes nothing for the reader of the list, and keeps blanks at its
    begin too.
    """
    return path if safe_cell(path) == path.strip() else f"./{path}"


def _votes(labels: Sequence[str]) -> list[int]:
    share = LABEL_VOTES // len(labels)
    return [share if name in labels else 0 for name in VOTE_CLASSES]


def _with_frames(project: LabelProject, faces: Sequence[ProjectFace], path: Path) -> Path:
    target = path.with_suffix(".zip")
    with zipfile.ZipFile(target, "x") as archive:
        archive.write(path, path.name, zipfile.ZIP_DEFLATED)
        for name in dict.fromkeys(face.path for face in faces):
            archive.write(project.folder / name, name)
    return target


def frame_name(video: str, number: int) -> str:
    """Return the name of the PNG file of a frame of a video, of letters and digits alone."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", PurePosixPath(video).stem)[:40].strip("-")
    return f"{stem or 'video'}-{number:06}.png"


def list_folder(project: LabelProject) -> str:
    """Return the name of the folder that the list belongs into."""
    return f"{PurePosixPath(project.name).stem}-labels" if project.is_video else project.name


def prepare_command(project: LabelProject) -> str:
    """Return the command that prepares the labelled faces as a data set."""
    options = ["--faces", "boxes"]
    if not are_emotions(project.labels):
        options.append("--keep-labels")
    elif "contempt" in project.labels:
        options += ["--classes", "8"]
    place = quoted(list_path(f"{list_folder(project)}/{LIST_NAME}"))
    return f"emorec prepare-data {place} {' '.join(options)} --out DATA"
