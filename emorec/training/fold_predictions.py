"""Records the logits of a fold's images after every epoch, by the model that would be saved."""

import io
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from emorec.atomic_files import write_bytes
from emorec.errors import DataError
from emorec.images import Image
from emorec.modeling.flip_ensemble import flip_averaged
from emorec.training.checkpoint import assign, values
from emorec.training.config import TrainConfig
from emorec.training.ema import ema_values
from emorec.training.run_model import saved_network

Logits = npt.NDArray[np.float32]

FOLDER = "logits"
"""Folder in a fold's run folder, with one file for each epoch."""

_BATCH = 256


class RecordLogits(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Writes the logits of the images that a fold leaves out, after every epoch.

    They are those of the model that a run saves: in float32, with the moving average of the
    weights, and averaged over mirror images if the settings say so. The files of an epoch precede
    its checkpoint, so a killed run has those of every epoch that it does not repeat.
    """

    def __init__(self, folder: Path, config: TrainConfig, classifier: keras.Model, images: Image):
        """Build a second network for the predictions; the training does not notice it.

        Args:
            folder: The run folder of the fold.
            config: Settings of the run.
            classifier: The classifier of the run; the fitted model may be a part of it.
            images: Shape (n, size, size, channels), uint8.
        """
        super().__init__()
        self._folder, self._classifier, self._images = folder, classifier, images
        self._network = saved_network(config, classifier.output_shape[-1])
        self._predictor = flip_averaged(self._network) if config.flip_average else self._network

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the logits.

        Raises:
            DataError: The file cannot be written.
        """
        weights = values(ema_values(self._classifier, self.model))
        assign(self._network.weights, weights, self._folder)
        write_logits(self._folder, epoch + 1, self._predict())

    def _predict(self) -> Logits:
        # Not `predict`: TensorFlow warns of the graphs that it makes for the network of each fold.
        parts = [
            self._predictor(self._images[start : start + _BATCH].astype(np.float32), training=False)
            for start in range(0, len(self._images), _BATCH)
        ]
        return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts])


def write_logits(folder: Path, epoch: int, logits: Logits) -> None:
    """Write the logits of an epoch, counted from 1, atomically.

    Raises:
        DataError: The file cannot be written.
    """
    data = io.BytesIO()
    np.save(data, logits)
    path = _path(folder, epoch)
    path.parent.mkdir(exist_ok=True)
    write_bytes(path, data.getvalue())


def read_logits(folder: Path, epochs: int, images: int, classes: int) -> Logits:
    """Read the logits of all epochs of a fold.

    Args:
        folder: The run folder of the fold.
        epochs: Number of epochs.
        images: Number of images of the fold.
        classes: Number of classes.

    Returns:
        Shape (epochs, images, classes).

    Raises:
        DataError: A file is missing or damaged.
    """
    found = np.empty((epochs, images, classes), np.float32)
    for epoch in range(1, epochs + 1):
        path = _path(folder, epoch)
        try:
            logits = np.load(path, mmap_mode="r", allow_pickle=False)
            if logits.shape != found.shape[1:] or logits.dtype != np.float32:
                raise ValueError(f"{logits.dtype} of shape {logits.shape}")
            found[epoch - 1] = logits
        # On a damaged file NumPy raises exceptions of any type.
        except Exception as error:
            reason = error.strerror if isinstance(error, OSError) else None
            raise DataError(
                f"{path}: not the logits of {images} images and {classes} classes "
                f"({reason or error}); remove the folder {folder}, and resume"
            ) from error
    if not np.isfinite(found).all():
        raise DataError(f"{folder / FOLDER}: a logit is not finite; remove the folder, and resume")
    return found


def _path(folder: Path, epoch: int) -> Path:
    return folder / FOLDER / f"epoch-{epoch:05}.npy"
