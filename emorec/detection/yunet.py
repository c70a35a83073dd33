"""Face detection with YuNet, a small convolutional network, by ONNX Runtime."""

import os
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from emorec import resources
from emorec.detection.yunet_network import YuNetNetwork
from emorec.errors import ConfigError, ModelError
from emorec.image_arrays import check_image
from emorec.images import Image
from emorec.types import Box, Face, Landmarks

# Chosen by `scripts/bench_detect.py --only yunet-settings`.
DEFAULT_MIN_SCORE = 0.65

SEARCH_SIDE = 960
"""Longer images are downscaled to this side: YuNet detects faces of about 10 to 300 pixels."""

SEARCH_SIDE_OF_VIDEOS = 640
"""The same for the frames of videos, where the search takes most of the time."""

MIN_SEARCH_SIDE, MAX_SEARCH_SIDE = 64, 1920

MAX_FILE_BYTES = 64 * 2**20
"""Larger model files are rejected before they are read; YuNet has a quarter of a MiB."""

# YuNet's box reaches from the hair to the chin. The Haar square of the same face has this side and
# this upward offset, both relative to the square root of the area of YuNet's box. They are medians
# over FER-2013 training images in which both detect the face; `scripts/bench_detect.py --only
# framing` measures them.
_SIDE = 1.13
_UPWARD = 0.034


class YuNetDetector:
    """Face detector that runs YuNet (Wu, Peng and Yu, Machine Intelligence Research 20, 2023).

    Args:
        model: YuNet's ONNX file; None uses the file of the package.
        min_score: Drop faces below this score; above 0 and below 1.
        min_size: Drop faces whose box has a shorter side, in pixels; None keeps all.
        search_side: Images with a longer side are downscaled to it before the search, in pixels,
            `MIN_SEARCH_SIDE` to `MAX_SEARCH_SIDE`.

    Raises:
        ConfigError: A value is out of range.
        ModelError: The file is missing, too large or not YuNet, or needs too much memory or time.
    """

    name = "yunet"

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        min_score: float = DEFAULT_MIN_SCORE,
        min_size: int | None = None,
        search_side: int = SEARCH_SIDE,
    ) -> None:
        if not 0 < min_score < 1:
            raise ConfigError(f"min_score must be above 0 and below 1; received {min_score:g}")
        if min_size is not None and min_size < 1:
            raise ConfigError(f"min_size must be 1 or more; received {min_size}")
        if not MIN_SEARCH_SIDE <= search_side <= MAX_SEARCH_SIDE:
            raise ConfigError(
                f"search_side must be {MIN_SEARCH_SIDE} to {MAX_SEARCH_SIDE}; "
                f"received {search_side}"
            )
        path = resources.shipped_face_detector() if model is None else Path(model)
        self._source = str(path)
        data = _read(path)
        self._data = data
        self._min_score = min_score
        self._min_size = min_size or 1
        self._search_side = search_side
        try:
            # The shipped file is part of the package; checking it would take time at every start.
            if path == resources.shipped_face_detector():
                self._network = YuNetNetwork(data, min_score)
            else:
                from emorec.models.onnx_limits import check_graph

                check_graph(data, (1, 3, search_side, search_side))
                self._network = YuNetNetwork(data, min_score)
                # The shapes of the outputs are known only when it runs.
                self._network.rows(np.zeros((64, 64, 3), np.uint8))
        except ValueError as error:
            reason = " ".join(str(error).split())
            raise ModelError(
                f"{self._source}: not a YuNet model that ONNX Runtime can run "
                f"({reason:.200}); {_fix(path)}"
            ) from error

    def detect(self, image_bgr: Image) -> list[Face]:
        """Detect the faces; see `FaceDetector.detect`.

        The score of a face is YuNet's, 0 to 1: the square root of the product of its
        classification and objectness scores. Boxes are converted to the squares of the Haar
        cascades; they may cross the border of the image. Every face has landmarks.

        Raises:
            ModelError: ONNX Runtime fails to run the network.
        """
        check_image(image_bgr)
        height, width = image_bgr.shape[:2]
        factor = max(max(height, width) / self._search_side, 1.0)
        if factor > 1:
            size_wh = (max(round(width / factor), 1), max(round(height / factor), 1))
            image_bgr = cast(Image, cv2.resize(image_bgr, size_wh, interpolation=cv2.INTER_AREA))
        try:
            rows = self._network.rows(image_bgr)
        except ValueError as error:
            reason = " ".join(str(error).split())
            raise ModelError(f"{self._source}: YuNet failed on an image: {reason}") from error
        faces = [self._face(row, factor) for row in rows]
        faces = [face for face in faces if face.box.width >= self._min_size]
        return sorted(faces, key=lambda face: (face.box.x, face.box.y, face.box.width))

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the settings and the file's content; the network is made again."""
        return {name: value for name, value in self.__dict__.items() if name != "_network"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._network = YuNetNetwork(self._data, self._min_score)

    def _face(self, row: npt.NDArray[np.float32], factor: float) -> Face:
        values = [float(value) * factor for value in row[:14]]
        landmarks = Landmarks(*zip(values[4::2], values[5::2], strict=True))
        return Face(_square(*values[:4]), self.name, float(row[14]), landmarks)


def _square(x: float, y: float, width: float, height: float) -> Box:
    root = (max(width, 1.0) * max(height, 1.0)) ** 0.5
    side = root * _SIDE
    left = x + width / 2 - side / 2
    top = y + height / 2 - root * _UPWARD - side / 2
    return Box(round(left), round(top), round(side), round(side))


def _fix(path: Path) -> str:
    if path == resources.shipped_face_detector():
        from emorec.installation import reinstall_command

        return f"reinstall emorec: {reinstall_command()}"
    return "leave the file out to use the YuNet that emorec includes"


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise ModelError(f"{path}: no such file; {_fix(path)}")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES // 2**20
            raise ModelError(f"{path}: too large for YuNet; the limit is {limit} MiB")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from error
