"""Finds faces with a Viola-Jones cascade of Haar features, by OpenCV."""

import math
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from emorec import resources
from emorec.errors import ConfigError, MissingDependencyError, ModelError
from emorec.images import Image, to_gray
from emorec.types import Box, Face

CASCADES = {
    "alt": "haarcascade_frontalface_alt.xml",
    "alt2": "haarcascade_frontalface_alt2.xml",
    "default": "haarcascade_frontalface_default.xml",
}
"""File of each frontal cascade that comes with emorec, by its short name."""

_PROFILE = "profile"

_FILES = CASCADES | {_PROFILE: "haarcascade_profileface.xml"}

# The choice that `scripts/bench_detect.py --only quality` makes, also with each photo left out.
DEFAULT_CASCADE = "alt"
DEFAULT_SCALE_FACTOR = 1.15
DEFAULT_MIN_NEIGHBORS = 2

MIN_SIZE_SHARE = 1 / 20
"""Smallest face sought, as a part of the picture's shorter side, where no size is asked for."""

MIN_SIZE_SHARE_OF_VIDEOS = 1 / 15
"""The same for the frames of videos: there the smallest faces would take most of the time, and at
720p a face of this size, 48 pixels, just fills the input of the model."""

MIN_SIZE_FLOOR = 24
"""Smallest face sought by default, in pixels; below it a cascade finds more noise than faces."""

_SEARCH_SIZE = 24
"""Side in pixels to which the smallest face sought is shrunk, together with its picture.

It finds as much as the full picture does, in two thirds of the time: OpenCV takes double steps
over windows below twice the cascade's own size.
"""

_SAME_FACE = 0.3
"""A face seen from the side that overlaps a frontal one by this share of the union is the same."""

MAX_FILE_BYTES = 16 * 2**20
"""A larger cascade file is refused before it is read."""


class HaarDetector:
    """Face detector that runs a cascade over all places and sizes of a picture.

    Args:
        cascade: "alt", "alt2", "default" or the path of a Haar cascade in OpenCV's XML format.
        scale_factor: Ratio of two neighbouring search sizes, above 1; nearer to 1 is slower and
            finds more.
        min_neighbors: How many overlapping hits make a face, at least 1; more is stricter.
        min_size: Side of the smallest face sought, in pixels; None takes `min_share` of the
            picture's shorter side, at least `MIN_SIZE_FLOOR`.
        profile: Look for faces seen from the side as well, which takes three times as long; their
            detector is called "haar-profile".
        min_score: Faces of a lower level weight are dropped; None keeps all.
        min_share: Takes the place of `MIN_SIZE_SHARE`.

    Raises:
        ConfigError: A number is out of range.
        ModelError: The cascade is missing or broken.
        MissingDependencyError: The installed OpenCV has no cascades.
    """

    name = "haar"

    def __init__(
        self,
        cascade: str | os.PathLike[str] = DEFAULT_CASCADE,
        *,
        scale_factor: float = DEFAULT_SCALE_FACTOR,
        min_neighbors: int = DEFAULT_MIN_NEIGHBORS,
        min_size: int | None = None,
        profile: bool = False,
        min_score: float | None = None,
        min_share: float = MIN_SIZE_SHARE,
    ) -> None:
        if not 0 <= min_share <= 1:
            raise ConfigError(f"min_share must be 0 to 1; received {min_share:g}")
        if not 1.001 <= scale_factor <= 10:
            raise ConfigError(f"scale_factor must be 1.001 to 10; received {scale_factor:g}")
        if min_neighbors < 1:
            raise ConfigError(f"min_neighbors must be 1 or more; received {min_neighbors}")
        if min_size is not None and min_size < 1:
            raise ConfigError(f"min_size must be 1 or more; received {min_size}")
        if min_score is not None and math.isnan(min_score):
            raise ConfigError("min_score must be a number; received nan")
        self._cascades = [cascade, _PROFILE] if profile else [cascade]
        # OpenCV keeps the picture that it searches inside the classifier.
        self._of_thread = threading.local()
        self._of_thread.classifiers = [_load(name) for name in self._cascades]
        self._scale_factor = scale_factor
        self._min_neighbors = min_neighbors
        self._min_size = min_size
        self._min_share = min_share
        self._min_score = -math.inf if min_score is None else min_score

    def detect(self, image_bgr: Image) -> list[Face]:
        """Find the faces; see `FaceDetector.detect`.

        A face's score is the cascade's `level_weight`: the sum of the last stage that the face
        reached. It grows with the likeness but is no probability, and its scale differs from
        cascade to cascade.
        """
        image_gray = to_gray(image_bgr)
        frontal, *profile = self._classifiers()
        faces = self._search(frontal, image_gray, self.name)
        for classifier in profile:
            for face in self._profiles(classifier, image_gray):
                if all(face.box.iou(known.box) < _SAME_FACE for known in faces):
                    faces.append(face)
        # OpenCV's threads return the faces in an order that changes from run to run.
        return sorted(faces, key=lambda face: (face.box.x, face.box.y, face.box.width))

    def _classifiers(self) -> list[cv2.CascadeClassifier]:
        """Give this thread's own classifiers: the frontal one, then that for profiles, if any."""
        if not hasattr(self._of_thread, "classifiers"):
            self._of_thread.classifiers = [_load(name) for name in self._cascades]
        return cast("list[cv2.CascadeClassifier]", self._of_thread.classifiers)

    def _profiles(self, classifier: cv2.CascadeClassifier, image_gray: Image) -> list[Face]:
        """Find the faces that look to the left of the picture, then those that look right."""
        name = f"{self.name}-profile"
        width = image_gray.shape[1]
        mirrored = self._search(classifier, np.ascontiguousarray(image_gray[:, ::-1]), name)
        return self._search(classifier, image_gray, name) + [
            replace(face, box=replace(face.box, x=width - face.box.x - face.box.width))
            for face in mirrored
        ]

    def _search(
        self, classifier: cv2.CascadeClassifier, image_gray: Image, name: str
    ) -> list[Face]:
        height, width = image_gray.shape
        side = self._min_size or max(round(self._min_share * min(height, width)), MIN_SIZE_FLOOR)
        if side > min(height, width):
            return []
        search_size = max(_SEARCH_SIZE, *classifier.getOriginalWindowSize())
        shrink = max(side / search_size, 1.0)
        if shrink > 1:
            size_wh = (round(width / shrink), round(height / shrink))
            image_gray = cast(Image, cv2.resize(image_gray, size_wh, interpolation=cv2.INTER_AREA))
        found, _, level_weights = classifier.detectMultiScale3(
            image_gray,
            scaleFactor=self._scale_factor,
            minNeighbors=self._min_neighbors,
            minSize=(round(side / shrink),) * 2,
            outputRejectLevels=True,
        )
        return [
            Face(Box(*(round(value * shrink) for value in box)), name, float(level_weight))
            for box, level_weight in zip(found, level_weights, strict=True)
            if level_weight >= self._min_score
        ]


def _load(cascade: str | os.PathLike[str]) -> cv2.CascadeClassifier:
    if not hasattr(cv2, "CascadeClassifier"):
        raise MissingDependencyError(
            f"OpenCV {cv2.__version__} has no CascadeClassifier; "
            'install one that has: pip install "opencv-python>=4.12,<5"'
        )
    known = _FILES.get(os.fspath(cascade))
    path = resources.folder("cascades") / known if known else Path(cascade)
    text = _read(path)
    if not known:
        from emorec.detection import cascade_file  # its XML reader costs every start 3 ms

        cascade_file.check(text, str(path))
    classifier = cv2.CascadeClassifier()
    try:
        storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
        loaded = classifier.read(storage.getFirstTopLevelNode())
    except (cv2.error, SystemError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: OpenCV cannot read the cascade ({reason})") from error
    if not loaded or classifier.empty():
        raise ModelError(f"{path}: OpenCV cannot read the cascade")
    return classifier


def _read(path: Path) -> str:
    names = ", ".join(CASCADES)
    try:
        if not path.is_file():
            raise ModelError(f"{path}: no such cascade; give one of {names} or the path of a file")
        if path.stat().st_size > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES // 2**20
            raise ModelError(f"{path}: too large for a cascade; up to {limit} MiB are read")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: not a cascade; it is no XML text") from error
