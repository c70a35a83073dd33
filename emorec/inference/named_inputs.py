"""Resolves what callers of `EmotionRecognizer` name: a detector, a model, an image file."""

import os
from pathlib import Path

from emorec.detection.base import FaceDetector
from emorec.detection.registry import make_detector
from emorec.errors import ConfigError, DataError
from emorec.file_kinds import is_video_name
from emorec.images import Image, read_bgr
from emorec.media.addresses import is_url, shown_name


def named_detector(name: str) -> FaceDetector:
    """Make a detector with its default options.

    Raises:
        ConfigError: No detector has this name.
        ModelError, MissingDependencyError: As for `make_detector`.
    """
    try:
        return make_detector(name)
    except ConfigError as error:
        if name and Path(name).exists():
            raise ConfigError(
                f"{name}: not the name of a detector; pass a model as model={name!r}"
            ) from error
        raise


def model_file(model: str | os.PathLike[str]) -> Path:
    """Find the ONNX file of a model, see `emorec.models.files.find_model`.

    Raises:
        ModelError: There is no such model, or it has no ONNX file.
    """
    from emorec.models.files import find_model  # the default model does not need it

    return find_model(model, ("onnx",))


def read_named_image(path: str | os.PathLike[str]) -> Image:
    """Read an image file upright; shape (height, width, 3), uint8, BGR.

    Raises:
        DataError: The file cannot be read or is not an image, such as a video or an address.
    """
    name = os.fspath(path)
    if is_url(name):
        raise DataError(
            f"{shown_name(name)}: an address; recognize reads image files: download the image "
            "first, or pass the address of a video to stream"
        )
    if is_video_name(name):
        raise DataError(f"{name}: a video; recognize reads images, stream reads videos")
    return read_bgr(name)
