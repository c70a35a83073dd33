"""Sessions of made-up faces, recorded without a detector and a model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from emorec.frames import Frame
from emorec.outputs.session.frame_table import SessionFace, SessionFrame
from emorec.outputs.session.recorder import SessionRecorder
from emorec.outputs.session.session_file import Derivation
from emorec.types import Box, Face, FaceEmotion, Prediction
from helpers.example_records import LABELS, ExampleModel

HAPPY, SAD = (0.75, 0.25), (0.25, 0.75)
"""Probabilities of `LABELS`."""

IMAGE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


@dataclass(frozen=True)
class Shot:
    """A frame: its time, and the probabilities of its faces by id."""

    time_s: float
    faces: dict[int, tuple[float, float]] = field(default_factory=dict)
    detected: bool = True


def shots(fps: float, *faces: dict[int, tuple[float, float]]) -> list[Shot]:
    """Return frames of a constant rate."""
    return [Shot(number / fps, each) for number, each in enumerate(faces)]


def face_of(
    id_: int, probabilities: Sequence[float], labels: Sequence[str] = LABELS
) -> FaceEmotion:
    """Return a tracked face; its box depends on its id."""
    face = Face(Box(10 * id_, 5, 8, 8), "stub", 0.9)
    return FaceEmotion(face, Prediction(dict(zip(labels, probabilities, strict=True))), id_)


def record(
    folder: Path,
    videos: dict[str, list[Shot]],
    fps: float = 10,
    model: ExampleModel | None = None,
    **settings: Any,
) -> None:
    """Record a session, without its derived files.

    Args:
        folder: Its folder; it is made.
        videos: The frames of each video by its path.
        fps: Frame rate of the videos.
        model: Whose results these seem to be.
        settings: Arguments of `SessionRecorder`.
    """
    folder.mkdir(exist_ok=True)
    model = model or ExampleModel()
    recorder = SessionRecorder(folder, list(videos), model, Path(__file__), **settings)
    with recorder:
        for index, frames in enumerate(videos.values()):
            recorder.begin_video(index)
            for number, shot in enumerate(frames):
                frame = Frame(IMAGE, (64, 48), number, shot.time_s)
                faces = [face_of(id_, p, model.labels) for id_, p in shot.faces.items()]
                recorder.add(frame, faces, shot.detected, fps)
            recorder.end_video()


def session_frame(
    video: str,
    number: int,
    time_s: float,
    duration_s: float,
    people: dict[str, tuple[float, float]],
) -> SessionFrame:
    """Return a frame as it is read back, whose faces have the names of persons."""
    faces = [
        SessionFace(
            person=name,
            id=id_,
            box=(10 * id_, 5, 8, 8),
            detector="stub",
            score=0.9,
            emotion=LABELS[values.index(max(values))],
            confidence=max(values),
            uncertain=max(values) < 0.5,
            size=8.0,
            sharpness=100.0,
            probabilities=values,
        )
        for id_, (name, values) in enumerate(people.items(), 1)
    ]
    return SessionFrame(video, number, time_s, duration_s, True, faces)


TWO_PEOPLE = [
    {1: HAPPY},
    {1: HAPPY, 2: SAD},
    {1: SAD, 2: SAD},
    {2: SAD},
    {},
    {3: HAPPY},
]
"""Frames in which two persons are seen, one of them as faces 1 and 3."""

NAMED = Derivation(persons={("a.avi", 1): "Anna", ("a.avi", 3): "Anna"})
"""Names of the first person."""
