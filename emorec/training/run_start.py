"""Reads what a run starts from: its resolved settings, its data set and its checkpoint."""

import logging
from pathlib import Path

import keras

from emorec.datasets.fingerprint import fingerprint
from emorec.datasets.manifest import PreparedDataset
from emorec.datasets.whole_photos import whole_photos_note
from emorec.errors import ConfigError, DataError
from emorec.training import run_folder
from emorec.training.checkpoint import RunState, read_state
from emorec.training.config import TrainConfig
from emorec.training.model_files import with_model_files
from emorec.training.precision import resolve_precision
from emorec.training.run_data import (
    open_dataset,
    people_note,
    resolve_framing,
    resolve_labels,
)

_log = logging.getLogger(__name__)


def resolved(config: TrainConfig, dataset: PreparedDataset) -> TrainConfig:
    """Return settings with the resolved precision, labels and framing, and paths of models.

    Raises:
        ModelError: A setting names no model.
    """
    precision = resolve_precision(config.precision)
    of_data = {**resolve_labels(config, dataset), **resolve_framing(config, dataset)}
    return with_model_files(config.model_copy(update={"precision": precision, **of_data}))


def reopen(folder: Path, data_root: Path | None) -> tuple[TrainConfig, PreparedDataset]:
    """Read the settings and the data set of a run that is resumed.

    Args:
        folder: The run folder.
        data_root: The data set, if it was moved; None for its original path.

    Raises:
        ConfigError: The run uses another backend.
        DataError: The folder is no run folder, or the data set differs.
    """
    config, environment = run_folder.read(folder)
    backend = environment["keras_backend"]
    if backend != keras.backend.backend():
        raise ConfigError(
            f"{folder}: the run uses the backend {backend}; received "
            f"{keras.backend.backend()}; set KERAS_BACKEND={backend}"
        )
    dataset = open_dataset(config, data_root or Path(environment["data"]))
    if fingerprint(dataset) != environment["data_fingerprint"]:
        raise DataError(
            f"{dataset.root}: the data set differs from that of {folder}, or has changed; name "
            "the right folder with --data, or start a new run"
        )
    return config, dataset


def checkpointed_state(folder: Path) -> RunState | None:
    """Read the checkpoint of a run; None before its first epoch has ended.

    Raises:
        DataError: The checkpoint is damaged.
    """
    checkpoint = folder / run_folder.CHECKPOINT
    return read_state(checkpoint) if checkpoint.exists() else None


def log_notes(dataset: PreparedDataset) -> None:
    """Log what the user of a data set should know about it."""
    for note in dataset.notes:
        _log.warning("%s: %s", dataset.root, note)
    level, text = people_note(dataset)
    _log.log(level, "%s: %s", dataset.root, text)
    if photos := whole_photos_note(dataset):
        _log.warning("%s: %s", dataset.root, photos)
