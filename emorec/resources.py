"""Paths of the files that emorec ships (cascades, configurations, models) and of its cache."""

import os
import sys
from pathlib import Path

from emorec.environment import CACHE_VARIABLE
from emorec.errors import EmorecError

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Return the path of the folder `cascades` or `configs`.

    An installed wheel has them inside the package. A checkout, which an editable install points to,
    has them beside it.

    Raises:
        EmorecError: The installation is incomplete.
    """
    for candidate in (_PACKAGE / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise EmorecError(f"the folder {name!r} is missing from {_PACKAGE}; reinstall emorec")


def architectures_file() -> Path:
    """Return the path of the JSON file that describes the architectures."""
    return _PACKAGE / "modeling" / "architectures.json"


def architecture_names() -> list[str]:
    """Return the names of the architectures, from that file."""
    import json  # errors alone need it here

    return [row["name"] for row in json.loads(architectures_file().read_bytes())["architectures"]]


def shipped_model() -> Path:
    """Return the path of the shipped ONNX model."""
    return _PACKAGE / "models" / "emorec-compact.onnx"


def shipped_keras_model(architecture: str = "compact") -> Path:
    """Return the path of a shipped .keras file, a starting point of training.

    Args:
        architecture: Name of the network; one that emorec ships no model of gets `compact`.
    """
    path = _PACKAGE / "models" / f"emorec-{architecture}.keras"
    return path if path.is_file() else shipped_model().with_suffix(".keras")


def shipped_teacher_probabilities() -> Path:
    """Return the path of the teachers' probabilities of the Training images of FERPlus."""
    name = "teacher_probabilities.csv.gz"
    installed = _PACKAGE / "configs" / name
    return installed if installed.is_file() else _PACKAGE.parent / "scripts" / "teachers" / name


def shipped_face_detector() -> Path:
    """Return the path of the shipped ONNX file of YuNet, the default face detector."""
    return _PACKAGE / "models" / "yunet.onnx"


def cache_folder() -> Path:
    """Return the cache folder: that of EMOREC_CACHE, or one in the user's cache.

    Its files can be deleted at any time; emorec creates them again.
    """
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        return base / "emorec" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "emorec"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "emorec"
