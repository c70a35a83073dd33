"""Finds the files that travel with emorec: cascades, configurations and the shipped model."""

import os
import sys
from pathlib import Path

from emorec.errors import EmorecError

CACHE_FOLDER_VARIABLE = "EMOREC_CACHE"
"""Environment variable that names the folder of `cache_folder` in place of the usual one."""

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Find the folder `cascades` or `configs`.

    An installed wheel carries them inside the package; in a checkout, which an editable install
    points to, they stand beside it.

    Raises:
        EmorecError: The installation is incomplete.
    """
    for candidate in (_PACKAGE / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise EmorecError(f"the folder {name!r} is missing from {_PACKAGE}; reinstall emorec")


def shipped_model() -> Path:
    """Path of the model inside the package, an ONNX file."""
    return _PACKAGE / "models" / "emorec-compact.onnx"


def shipped_keras_model() -> Path:
    """Path of the same model inside the package as a .keras file, to train on from."""
    return shipped_model().with_suffix(".keras")


def cache_folder() -> Path:
    """Folder of what can be made anew: that of EMOREC_CACHE, or one in the user's cache."""
    if named := os.environ.get(CACHE_FOLDER_VARIABLE):
        return Path(named)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        return base / "emorec" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "emorec"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "emorec"
