"""The folder that a run leaves: its name, its files and what is known about its surroundings."""

import csv
import hashlib
import importlib.metadata
import io
import json
import logging
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import keras

from emorec import __version__
from emorec.atomic_files import PARTIAL, write_bytes, write_json
from emorec.datasets.manifest import PreparedDataset
from emorec.errors import DataError
from emorec.training.config import TrainConfig, load_config

CONFIG = "config.yaml"
HISTORY = "history.csv"
ENVIRONMENT = "environment.json"
METRICS = "metrics.json"
CURVES = "curves.png"
CONFUSION_MATRIX = "confusion_matrix.png"
RELIABILITY = "reliability.png"
PER_CLASS = "per_class.csv"
REPORT = "report.html"
LOG = "train.log"
TENSORBOARD = "tensorboard"
MODEL_KERAS = "model.keras"
MODEL_ONNX = "model.onnx"
CHECKPOINT = Path("checkpoints") / "last.npz"

MAX_JSON_BYTES = 2**24

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
                (folder / CHECKPOINT.parent).mkdir(parents=True)
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise DataError(f"{parent}: cannot make the run folder: {error.strerror}") from error
    raise DataError(f"{parent}: too many runs named {stem}")


class _LogFile(logging.FileHandler):
    """A log that a full disk may cut short: the run fails at its checkpoint, in one line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Drop the message."""

    def close(self) -> None:
        """Close the file, even if its last lines cannot be written."""
        with suppress(OSError):
            super().close()


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Write emorec's log messages to a file as well while the context lasts."""
    handler = _LogFile(path, encoding="utf-8")
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


def write_history(folder: Path, history: Sequence[Mapping[str, float]]) -> None:
    """Write history.csv, one row an epoch, whole or not at all.

    Raises:
        DataError: The file cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, list(history[0]))
    writer.writeheader()
    writer.writerows(history)
    write_bytes(folder / HISTORY, text.getvalue().encode())


def describe(folder: Path, config: TrainConfig, data: PreparedDataset) -> None:
    """Write what a run is made from: its settings and its surroundings.

    Raises:
        DataError: A file cannot be written.
    """
    write_json(folder / ENVIRONMENT, environment(data, config.seed))
    # A run may go on from another working folder.
    weights = Path(config.weights).resolve() if Path(config.weights).is_file() else config.weights
    places = {
        "teacher": tuple(str(Path(path).resolve()) for path in config.teacher),
        "partner": config.partner and str(Path(config.partner).resolve()),
        "weights": str(weights),
    }
    config = config.model_copy(update=places)
    write_bytes(folder / CONFIG, config.to_yaml().encode())


def read(folder: Path) -> tuple[TrainConfig, dict[str, Any]]:
    """Read what `describe` wrote.

    Raises:
        ConfigError, DataError: A file is missing or damaged.
    """
    if not (folder / CONFIG).is_file():
        raise DataError(
            f"{folder}: not a run folder, or one of a run that had not begun; name a folder that "
            "emorec train made"
        )
    config = load_config(folder / CONFIG, {})
    environment = read_json(folder / ENVIRONMENT)
    for key in ("data", "data_fingerprint", "keras_backend"):
        if not isinstance(environment.get(key), str):
            raise DataError(f"{folder / ENVIRONMENT}: damaged: it lacks {key!r}")
    return config, environment


def finished(folder: Path) -> bool:
    """Tell whether a run has been trained and all its files written."""
    return (folder / METRICS).exists() and not (folder / CHECKPOINT).exists()


def holds_weights(folder: Path) -> bool:
    """Tell whether a run has come so far that a model can be had from its folder."""
    return (folder / CHECKPOINT).exists() or (folder / METRICS).exists()


def sweep(folder: Path) -> None:
    """Remove what a killed run left half-written, and make room for its next checkpoint."""
    (folder / CHECKPOINT.parent).mkdir(exist_ok=True)
    for place in (folder, folder / CHECKPOINT.parent):
        for partial in place.glob(PARTIAL + "*"):
            partial.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of a run folder.

    Raises:
        DataError: It is missing, too large, or no JSON object.
    """
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise DataError(f"{path}: at most {MAX_JSON_BYTES} bytes are read")
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not a JSON file: {error!s:.200}") from error
    if not isinstance(value, dict):
        raise DataError(f"{path}: not a JSON object")
    return value


def fingerprint(data: PreparedDataset) -> str:
    """SHA-256 of the paths, splits, labels and votes of a data set."""
    digest = hashlib.sha256()
    for column in (data.paths, data.splits, data.labels):
        digest.update("\n".join(column.tolist()).encode())
    if data.votes is not None:
        digest.update(data.votes.tobytes())
    return digest.hexdigest()


def environment(data: PreparedDataset, seed: int) -> dict[str, Any]:
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
