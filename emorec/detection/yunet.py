"""Finds faces with YuNet, a small convolutional network, by OpenCV."""

import os
import threading
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from emorec.errors import ConfigError, ModelError
from emorec.images import Image
from emorec.types import Box, Face

DEFAULT_MIN_SCORE = 0.7

SEARCH_SIDE = 640
"""Longer pictures are shrunk to this side: YuNet knows faces of about 10 to 300 pixels."""

MAX_FILE_BYTES = 64 * 2**20
"""A larger model file is refused before it is read; YuNet has a quarter of a MiB."""

_OVERLAP = 0.3
"""Of two boxes that share more of their union, the one with the lower score is dropped."""

_MOST_FACES = 5000

# YuNet frames a face from the hair to the chin. Haar's square around the same face has this side
# and lies this much higher, both in roots of YuNet's area: medians over FER-2013 training images
# that both find, which `scripts/bench_detect.py --only framing` checks.
_SIDE = 1.13
_HIGHER = 0.034


class YuNetDetector:
    """Face detector that runs YuNet (Wu, Peng and Yu, Machine Intelligence Research 20, 2023).

    Args:
        model: YuNet's ONNX file.
        min_score: Faces below this score are dropped, 0 to 1.
        min_size: Faces with a shorter side are dropped, in pixels; None keeps all.

    Raises:
        ConfigError: A number is out of range.
        ModelError: The file is missing, too large or not YuNet.
    """

    name = "yunet"

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        min_score: float = DEFAULT_MIN_SCORE,
        min_size: int | None = None,
    ) -> None:
        if not 0 < min_score < 1:
            raise ConfigError(f"min_score must be above 0 and below 1; received {min_score:g}")
        if min_size is not None and min_size < 1:
            raise ConfigError(f"min_size must be 1 or more; received {min_size}")
        self._source = os.fspath(model)
        self._data = np.frombuffer(_read(Path(model)), np.uint8)
        self._min_score = min_score
        self._min_size = min_size or 1
        self._of_thread = threading.local()  # the network keeps its input's size and its layers
        try:
            # OpenCV misses the outputs of another network only when it runs.
            self._rows(np.zeros((64, 64, 3), np.uint8))
        except (cv2.error, SystemError) as error:
            reason = " ".join(str(error).split())
            raise ModelError(
                f"{self._source}: not a YuNet model that OpenCV {cv2.__version__} can run "
                f"({reason:.200}); get one with: emorec models pull yunet"
            ) from error

    def detect(self, image_bgr: Image) -> list[Face]:
        """Find the faces; see `FaceDetector.detect`.

        A face's score is YuNet's, 0 to 1: the root of the product of its scores for "a face" and
        for "a thing". Boxes are turned into the squares of the Haar cascades; they may cross the
        picture's border.

        Raises:
            ModelError: The network fails.
        """
        height, width = image_bgr.shape[:2]
        shrink = max(max(height, width) / SEARCH_SIDE, 1.0)
        if shrink > 1:
            size_wh = (max(round(width / shrink), 1), max(round(height / shrink), 1))
            image_bgr = cast(Image, cv2.resize(image_bgr, size_wh, interpolation=cv2.INTER_AREA))
        try:
            rows = self._rows(image_bgr)
        except cv2.error as error:
            reason = " ".join(str(error).split())
            raise ModelError(f"{self._source}: YuNet failed on a picture: {reason}") from error
        faces = [
            Face(_square(*(float(value) * shrink for value in row[:4])), self.name, float(row[14]))
            for row in rows
            if np.isfinite(row).all()
        ]
        faces = [face for face in faces if face.box.width >= self._min_size]
        return sorted(faces, key=lambda face: (face.box.x, face.box.y, face.box.width))

    def _rows(self, image_bgr: Image) -> npt.NDArray[np.float32]:
        """Give one row a face: x, y, width, height, five points x, y, and the score."""
        if not hasattr(self._of_thread, "network"):
            self._of_thread.network = cv2.FaceDetectorYN.create(
                "onnx",
                self._data,
                np.empty(0, np.uint8),
                (SEARCH_SIDE, SEARCH_SIDE),
                self._min_score,
                _OVERLAP,
                _MOST_FACES,
            )
        height, width = image_bgr.shape[:2]
        self._of_thread.network.setInputSize((width, height))
        _, rows = self._of_thread.network.detect(image_bgr)
        return np.empty((0, 15), np.float32) if rows is None else rows


def _square(x: float, y: float, width: float, height: float) -> Box:
    root = (max(width, 1.0) * max(height, 1.0)) ** 0.5
    side = root * _SIDE
    left = x + width / 2 - side / 2
    top = y + height / 2 - root * _HIGHER - side / 2
    return Box(round(left), round(top), round(side), round(side))


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise ModelError(f"{path}: no such file; get YuNet with: emorec models pull yunet")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES // 2**20
            raise ModelError(f"{path}: too large for YuNet; up to {limit} MiB are read")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from error
