"""Face detection with a Viola-Jones cascade of Haar features, by OpenCV."""

import math
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from emorec import resources
from emorec.errors import ConfigError, MissingDependencyError, ModelError
from emorec.image_arrays import check_image
from emorec.images import Image, to_gray
from emorec.types import Box, Face

CASCADES = {
    "alt": "haarcascade_frontalface_alt.xml",
    "alt2": "haarcascade_frontalface_alt2.xml",
    "default": "haarcascade_frontalface_default.xml",
}
"""File name of each frontal cascade of the package, by its short name."""

_PROFILE = "profile"

_FILES = CASCADES | {_PROFILE: "haarcascade_profileface.xml"}

# Chosen by `scripts/bench_detect.py --only quality`; leave-one-photo-out chooses the same.
DEFAULT_CASCADE = "alt"
DEFAULT_SCALE_FACTOR = 1.15
DEFAULT_MIN_NEIGHBORS = 2

MIN_SIZE_SHARE = 1 / 20
"""Default side of the smallest face to detect, as a fraction of the image's shorter side."""

MIN_SIZE_SHARE_OF_VIDEOS = 1 / 15
"""The same for the frames of videos, where the smallest faces would take most of the time.

At 720p a face of this size has 48 pixels, the input size of the model.
"""

MIN_SIZE_FLOOR = 24
"""Lower limit of that default in pixels; below it most detections are false."""

_SEARCH_SIZE = 24
"""Side in pixels of the smallest face after the image is downscaled for the search.

Detects as many faces as the full-size image in two thirds of the time: OpenCV doubles the step of
windows smaller than twice the cascade's own window.
"""

_SAME_FACE_IOU = 0.3
"""A profile face that overlaps a frontal face by this IoU is the same face."""

MAX_FILE_BYTES = 4 * 2**20
"""Larger cascade files are rejected before they are read; published ones have up to 2.7 MB."""


class HaarDetector:
    """Face detector that runs a cascade over all positions and scales of an image.

    Args:
        cascade: "alt", "alt2", "default" or the path of a Haar cascade in OpenCV's XML format.
        scale_factor: Ratio between neighbouring search scales, 1.001 to 10; closer to 1 is slower
            and finds more faces.
        min_neighbors: Number of overlapping hits that make a face, at least 1; higher is stricter.
        min_size: Side of the smallest face to detect, in pixels; None for `min_share` of the
            image's shorter side, at least `MIN_SIZE_FLOOR`.
        profile: Also detect faces in profile, which takes three times as long; these faces have
            the detector "haar-profile".
        min_score: Drop faces with a lower level weight; None keeps all.
        min_share: Fraction of the image's shorter side, 0 to 1, used if `min_size` is None.

    Raises:
        ConfigError: A value is out of range.
        ModelError: The cascade is missing or damaged.
        MissingDependencyError: The installed OpenCV has no CascadeClassifier.
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
        names = [os.fspath(cascade), _PROFILE] if profile else [os.fspath(cascade)]
        # A classifier of OpenCV stores the image it searches, so each thread needs its own.
        self._local = threading.local()
        self._local.classifiers = [_load(name) for name in names]
        # Other threads and processes load the files again, maybe from another working folder.
        self._cascades = [name if name in _FILES else str(Path(name).absolute()) for name in names]
        self._scale_factor = scale_factor
        self._min_neighbors = min_neighbors
        self._min_size = min_size
        self._min_share = min_share
        self._min_score = -math.inf if min_score is None else min_score

    def detect(self, image_bgr: Image) -> list[Face]:
        """Detect the faces; see `FaceDetector.detect`.

        The score of a face is the cascade's `level_weight`: the sum of the last stage that the
        face reached. Higher means more face-like, but it is not a probability, and its scale
        depends on the cascade.
        """
        check_image(image_bgr)
        image_gray = to_gray(image_bgr)
        frontal, *profile = self._classifiers()
        faces = self._search(frontal, image_gray, self.name)
        for classifier in profile:
            for face in self._profile_faces(classifier, image_gray):
                if all(face.box.iou(known.box) < _SAME_FACE_IOU for known in faces):
                    faces.append(face)
        # OpenCV's threads return the faces in a different order in every run.
        return sorted(faces, key=lambda face: (face.box.x, face.box.y, face.box.width))

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the settings; OpenCV's classifiers are loaded again."""
        return {**self.__dict__, "_local": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _local=threading.local())

    def _classifiers(self) -> "list[cv2.CascadeClassifier]":
        """Return the classifiers of this thread: the frontal one, then the profile one if any."""
        if not hasattr(self._local, "classifiers"):
            self._local.classifiers = [_load(name) for name in self._cascades]
        return cast("list[cv2.CascadeClassifier]", self._local.classifiers)

    def _profile_faces(self, classifier: "cv2.CascadeClassifier", image_gray: Image) -> list[Face]:
        """Detect profile faces: those that face left in the image, then those that face right."""
        name = f"{self.name}-profile"
        width = image_gray.shape[1]
        mirrored = self._search(classifier, np.ascontiguousarray(image_gray[:, ::-1]), name)
        return self._search(classifier, image_gray, name) + [
            replace(face, box=replace(face.box, x=width - face.box.x - face.box.width))
            for face in mirrored
        ]

    def _search(
        self, classifier: "cv2.CascadeClassifier", image_gray: Image, name: str
    ) -> list[Face]:
        height, width = image_gray.shape
        side = self._min_size or max(round(self._min_share * min(height, width)), MIN_SIZE_FLOOR)
        if side > min(height, width):
            return []
        search_size = max(_SEARCH_SIZE, *classifier.getOriginalWindowSize())
        factor = max(side / search_size, 1.0)
        if factor > 1:
            size_wh = (round(width / factor), round(height / factor))
            image_gray = cast(Image, cv2.resize(image_gray, size_wh, interpolation=cv2.INTER_AREA))
        found, _, level_weights = classifier.detectMultiScale3(
            image_gray,
            scaleFactor=self._scale_factor,
            minNeighbors=self._min_neighbors,
            minSize=(round(side / factor),) * 2,
            outputRejectLevels=True,
        )
        return [
            Face(Box(*(round(value * factor) for value in box)), name, float(level_weight))
            for box, level_weight in zip(found, level_weights, strict=True)
            if level_weight >= self._min_score
        ]


# OpenCV 5 has no such class, so annotations name it in quotes.
def _load(cascade: str) -> "cv2.CascadeClassifier":
    if not hasattr(cv2, "CascadeClassifier"):
        from emorec.installation import pip_command

        raise MissingDependencyError(
            f"OpenCV {cv2.__version__} has no CascadeClassifier, which the detector haar needs; "
            "use the detector yunet, or install a wheel that has it, opencv-contrib-python or "
            f'OpenCV 4: {pip_command()} install "opencv-python>=4.12,<5"'
        )
    known = _FILES.get(cascade)
    path = resources.folder("cascades") / known if known else Path(cascade)
    text = _read(path)
    if not known:
        from emorec.detection import cascade_file  # importing the XML parser takes 3 ms

        text = cascade_file.rewritten(text, str(path))
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
            raise ModelError(f"{path}: no such cascade; use one of {names} or the path of a file")
        if path.stat().st_size > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES // 2**20
            raise ModelError(f"{path}: too large for a cascade; the limit is {limit} MiB")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: not a cascade; it is not an XML text") from error
