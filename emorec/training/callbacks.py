"""Keras callbacks of a run: progress, history and the best weights."""

import csv
import io
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from emorec.errors import ConfigError
from emorec.files import write_bytes, written_whole
from emorec.training.averaging import averaged

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes:
        epoch: Number of the epoch, from 1.
        epochs: Epochs in all, if it does not stop early.
        batch: Batches done in this epoch.
        batches: Batches of an epoch.
        metrics: Running figures of the epoch; with the validation figures at its end.
        epoch_done: The epoch has ended.
    """

    epoch: int
    epochs: int
    batch: int
    batches: int
    metrics: dict[str, float]
    epoch_done: bool


class ReportProgress(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Tells a function after every batch and epoch where the run stands."""

    def __init__(self, report: Callable[[Progress], None], batches: int):
        super().__init__()
        self._report, self._batches, self._epoch = report, batches, 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the epoch."""
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Report the batch."""
        self._tell(batch + 1, logs, False)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Report the epoch."""
        self._tell(self._batches, logs, True)

    def _tell(self, batch: int, logs: dict[str, float] | None, done: bool) -> None:
        epochs = self.params["epochs"]
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        self._report(Progress(self._epoch, epochs, batch, self._batches, metrics, done))


class StopOnNaN(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends a run whose loss is no number any more."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the epoch."""
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Check the loss.

        Raises:
            ConfigError: The loss is not finite.
        """
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            raise ConfigError(
                f"the loss became {loss} in epoch {self._epoch}, batch {batch + 1}; lower "
                "--learning-rate or raise --warmup-epochs"
            )


class WriteHistory(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps history.csv up to date: one row an epoch, the whole file written anew each time."""

    def __init__(self, path: Path):
        super().__init__()
        self._path = path
        self.rows: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add the epoch's row and write the file."""
        figures = {name: float(value) for name, value in sorted((logs or {}).items())}
        rate = float(self.model.optimizer.learning_rate)
        self.rows.append({"epoch": epoch + 1, "learning_rate": rate, **figures})
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self.rows[0]))
        writer.writeheader()
        writer.writerows(self.rows)
        write_bytes(self._path, text.getvalue().encode())
        _log.info("epoch %d: %s", epoch + 1, ", ".join(f"{k} {v:.4f}" for k, v in figures.items()))


class KeepBest(keras.callbacks.Callback):  # type: ignore[misc]
    """Saves the weights of the epoch with the best validation accuracy, whole or not at all.

    They are the moving averages where the run keeps such.
    """

    def __init__(self, path: Path):
        super().__init__()
        self._path = path
        self.best = -math.inf
        self.best_epoch = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save the weights if they are the best so far."""
        accuracy = float((logs or {})["val_accuracy"])
        if accuracy > self.best:
            self.best, self.best_epoch = accuracy, epoch + 1
            with averaged(self.model), written_whole(self._path) as partial:
                self.model.save_weights(partial)
