"""The folder that a run leaves: its name, its files and what is known about its surroundings."""

import hashlib
import importlib.metadata
import logging
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import keras

from emorec import __version__
from emorec.datasets.manifest import PreparedData
from emorec.errors import DataError

CONFIG = "config.yaml"
HISTORY = "history.csv"
ENVIRONMENT = "environment.json"
METRICS = "metrics.json"
CURVES = "curves.png"
CONFUSION_MATRIX = "confusion_matrix.png"
RELIABILITY = "reliability.png"
PER_CLASS = "per_class.csv"
LOG = "train.log"
MODEL_KERAS = "model.keras"
MODEL_ONNX = "model.onnx"
BEST_WEIGHTS = Path("checkpoints") / "best.weights.h5"

_PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy", "opencv-python", "onnx", "onnxruntime")


def create(parent: Path, arch: str) -> Path:
    """Make a new run folder named after the time and the architecture.

    Raises:
        DataError: The folder cannot be made.
    """
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{arch}"
    try:
        for number in range(1, 1000):
            folder = parent / (stem if number == 1 else f"{stem}-{number}")
            try:
                (folder / BEST_WEIGHTS.parent).mkdir(parents=True)
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise DataError(f"{parent}: cannot make the run folder: {error.strerror}") from error
    raise DataError(f"{parent}: too many runs named {stem}")


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Write emorec's log messages to a file as well while the context lasts."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("emorec")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
        handler.close()


def fingerprint(data: PreparedData) -> str:
    """SHA-256 of the paths, splits, labels and votes of a data set."""
    digest = hashlib.sha256()
    for column in (data.paths, data.splits, data.labels):
        digest.update("\n".join(column.tolist()).encode())
    if data.votes is not None:
        digest.update(data.votes.tobytes())
    return digest.hexdigest()


def environment(data: PreparedData, seed: int) -> dict[str, Any]:
    """Describe what a run was made with."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "emorec": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "keras_backend": keras.backend.backend(),
        "packages": versions,
        "command": sys.argv[1:],
        "seed": seed,
        "data": str(data.root.resolve()),
        "data_fingerprint": fingerprint(data),
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
    }
