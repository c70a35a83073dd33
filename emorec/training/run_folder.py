"""Owns the run folder: its name, its files and the description of the environment."""

import csv
import importlib.metadata
import io
import logging
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from emorec import __version__
from emorec.atomic_files import PARTIAL, write_bytes, write_json
from emorec.datasets.fingerprint import fingerprint
from emorec.datasets.manifest import PreparedDataset
from emorec.errors import DataError
from emorec.json_files import read_json
from emorec.locks import locked
from emorec.models.files import ENVIRONMENT
from emorec.training.config import TrainConfig, read_config

CONFIG = "config.yaml"
HISTORY = "history.csv"
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
LOCK = ".lock"
CHECKPOINT = Path("checkpoints") / "last.npz"

_PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy", "opencv-python", "onnx", "onnxruntime")


def create(parent: Path, config: TrainConfig, dataset: PreparedDataset) -> Path:
    """Create a run folder, named after the time and the architecture, with the run's description.

    Raises:
        DataError: The folder or a file cannot be written.
    """
    folder = new_folder(parent, config.arch)
    with removed_without_weights(folder):
        clean(folder)
        describe(folder, config, dataset)
    return folder


def new_folder(parent: Path, name: str) -> Path:
    """Create a folder named after the time, for a run or for several.

    Args:
        parent: Folder in which it is created.
        name: What follows the time.

    Raises:
        DataError: The folder cannot be created.
    """
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{name}"
    try:
        for number in range(1, 1000):
            folder = parent / (stem if number == 1 else f"{stem}-{number}")
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise DataError(f"{parent}: cannot create the run folder: {error.strerror}") from error
    raise DataError(f"{parent}: too many runs named {stem}")


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """Hold the lock of a run folder within the context.

    Raises:
        DataError: It is no run folder, another process trains this run, or the lock file cannot be
            written.
    """
    require_run(folder)
    with locked(folder / LOCK, f"{folder}: another emorec train uses this run"):
        yield


@contextmanager
def removed_without_weights(folder: Path) -> Iterator[None]:
    """Remove a run folder on an error in the context, unless it holds weights."""
    try:
        yield
    except BaseException:
        if not holds_weights(folder):
            shutil.rmtree(folder, ignore_errors=True)
        raise


class _LogFile(logging.FileHandler):
    """Log file that a full disk truncates: the run fails at its checkpoint, in one line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Drop the message."""

    def close(self) -> None:
        """Close the file, even if its last lines cannot be written."""
        with suppress(OSError):
            super().close()


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Copy emorec's log messages to a file within the context."""
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
    """Write history.csv atomically, one row an epoch.

    Raises:
        DataError: The file cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, list(history[0]))
    writer.writeheader()
    writer.writerows(history)
    write_bytes(folder / HISTORY, text.getvalue().encode())


def describe(folder: Path, config: TrainConfig, dataset: PreparedDataset) -> None:
    """Write the settings of a run and the description of its environment.

    Raises:
        DataError: A file cannot be written.
    """
    write_json(folder / ENVIRONMENT, {"run": folder.name, **environment(dataset, config.seed)})
    write_bytes(folder / CONFIG, config.to_yaml().encode())


def read(folder: Path) -> tuple[TrainConfig, dict[str, Any]]:
    """Read the settings and the environment of a run.

    Raises:
        ConfigError, DataError: A file is missing or damaged.
    """
    require_run(folder)
    config = read_config(folder / CONFIG)
    environment = read_json(folder / ENVIRONMENT)
    for key in ("data", "data_fingerprint", "keras_backend"):
        if not isinstance(environment.get(key), str):
            raise DataError(f"{folder / ENVIRONMENT}: damaged: the key {key!r} is missing")
    return config, environment


def model_name(folder: Path, config: TrainConfig) -> str:
    """Return the name of a run's model: the one in its settings, else that of its run folder.

    It is the name with which the folder was created, also after the folder was renamed. Folders
    of version 0.1.0 did not record it.

    Raises:
        DataError: The description of the environment is damaged.
    """
    if config.model_name is not None:
        return config.model_name
    path = folder / ENVIRONMENT
    recorded = read_json(path).get("run") if path.exists() else None
    return recorded if isinstance(recorded, str) and recorded else folder.resolve().name


def require_run(folder: Path) -> None:
    """Check that a folder is a run folder.

    Raises:
        DataError: It holds no settings of a run.
    """
    if not (folder / CONFIG).is_file():
        raise DataError(
            f"{folder}: not a run folder: it holds no {CONFIG}; name a folder that emorec train "
            "created"
        )


def finished(folder: Path) -> bool:
    """Check whether a run is trained and all its files are written."""
    return (folder / METRICS).exists() and not (folder / CHECKPOINT).exists()


def holds_weights(folder: Path) -> bool:
    """Check whether a run folder holds weights from which a model can be written."""
    return (folder / CHECKPOINT).exists() or (folder / METRICS).exists()


def clean(folder: Path) -> None:
    """Remove the partial files of a killed run, and create the folder of its checkpoint.

    Raises:
        DataError: The folder cannot be created.
    """
    try:
        (folder / CHECKPOINT.parent).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot create the run folder: {error.strerror}") from error
    for place in (folder, folder / CHECKPOINT.parent):
        for partial in place.glob(PARTIAL + "*"):
            partial.unlink(missing_ok=True)


def environment(dataset: PreparedDataset, seed: int) -> dict[str, Any]:
    """Describe the versions, the machine and the data of a run."""
    import keras  # slow; `emorec train --resume` checks the folder before

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
        "data": str(dataset.root.resolve()),
        "data_fingerprint": fingerprint(dataset),
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
    }
