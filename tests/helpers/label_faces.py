"""Label projects without a detector or a model, for tests."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emorec.app.label_project import LabelProject
from emorec.app.label_store import LabelStore
from emorec.frames import Frame
from emorec.types import Box, Face, FaceEmotion, Prediction

LABELS = ("happy", "sad", "angry")


def make_project(
    folder: Path,
    paths: Sequence[str] = ("a.jpg", "b.jpg"),
    labels: Sequence[str] = LABELS,
    is_video: bool = False,
    name: str = "photos",
    most_faces: int = 100,
) -> LabelProject:
    """Make a project of files of 10 bytes each; its labels are stored in `folder`/labels."""
    images = folder / "images"
    images.mkdir(exist_ok=True)
    files = [(path, 10) for path in paths]
    store = LabelStore(folder / "labels")
    return LabelProject("id", name, files, is_video, None, images, store, tuple(labels), most_faces)


def found(x: int = 10, y: int = 10, side: int = 20, happy: float = 0.5) -> FaceEmotion:
    """A face that a recognizer found."""
    prediction = Prediction({"happy": happy, "sad": 1 - happy})
    return FaceEmotion(Face(Box(x, y, side, side), "yunet", 0.9), prediction)


def frame(width: int = 100, height: int = 80) -> Frame:
    """A frame whose pixels say where they are: blue is x, green is y."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.arange(width)
    image[..., 1] = np.arange(height)[:, None]
    return Frame.from_image(image)
