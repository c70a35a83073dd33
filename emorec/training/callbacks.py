"""Keras callbacks of a run: progress, checks, and the keeping of its state."""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from emorec.errors import ConfigError
from emorec.interrupts import deliver_pending_interrupt
from emorec.training import run_folder
from emorec.training.checkpoint import (
    Array,
    History,
    State,
    best_epoch,
    capture,
    values,
    write_state,
)
from emorec.training.ema import ema_values
from emorec.training.stages import Stage, is_done

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingProgress:
    """Where a run stands.

    Attributes:
        epoch: Number of the epoch, from 1.
        epochs: Epochs in all, if it does not stop early.
        batch: Batches done in this epoch.
        batches: Batches of an epoch.
        metrics: Running figures of the epoch; with the validation figures at its end.
        epoch_done: The epoch has ended.
        best_epoch: The epoch with the best validation accuracy so far; 0 before the first ends.
    """

    epoch: int
    epochs: int
    batch: int
    batches: int
    metrics: dict[str, float]
    epoch_done: bool
    best_epoch: int


class LossError(ConfigError):
    """The loss is no number any more."""


class StopOnNaN(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends a run whose loss is no number any more; comes before what keeps the weights."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the epoch."""
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Check the loss.

        Raises:
            LossError: The loss is not finite.
        """
        self._check("loss", logs, f"in epoch {self._epoch}, batch {batch + 1}")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Check the validation loss: the last batch may have spoiled the weights.

        Raises:
            LossError: The loss is not finite.
        """
        self._check("val_loss", logs, f"after the last batch of epoch {self._epoch}")

    @staticmethod
    def _check(name: str, logs: dict[str, float] | None, moment: str) -> None:
        loss = float((logs or {}).get(name, 0.0))
        if not math.isfinite(loss):
            raise LossError(
                f"the loss became {loss} {moment}; lower --learning-rate or raise --warmup-epochs"
            )


class LetInterruptsThrough(keras.callbacks.Callback):  # type: ignore[misc]
    """Lets Ctrl-C end the run between batches, not amid one; see `emorec.interrupts`."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Let it through after a batch."""
        deliver_pending_interrupt()

    def on_test_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Let it through after a batch of the validation."""
        deliver_pending_interrupt()


class KeepRun(keras.callbacks.Callback):  # type: ignore[misc]
    """After each epoch keeps all that the run needs to go on, and ends it when patience is out.

    The checkpoint is what counts; history.csv is written from it. Without a folder nothing is
    written: that is for the other processes of a run. `best` are the weights of the best epoch.
    """

    def __init__(self, folder: Path | None, whole: keras.Model, state: State | None = None):
        """Begin a run, or go on after the last epoch of a state.

        Args:
            folder: The run folder; None where another process writes it.
            whole: The classifier whose weights are kept; what is fitted may be a part of it.
            state: Where the run stands.
        """
        super().__init__()
        self._folder, self._whole = folder, whole
        self.best: Sequence[Array] = state.best if state else ()
        self.history: History = list(state.history) if state else []

    def begin(self, stage: Stage) -> None:
        """Take the next epochs as those of a stage."""
        self._stage = stage

    @property
    def best_epoch(self) -> int:
        """The epoch with the best validation accuracy, from 1; 0 before the first has ended."""
        return best_epoch(self.history)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add the epoch's row, keep its weights if they are the best so far, and write all."""
        figures = {name: float(value) for name, value in sorted((logs or {}).items())}
        rate = float(self.model.optimizer.learning_rate)
        row = {"epoch": epoch + 1, "stage": self._stage.number, "learning_rate": rate, **figures}
        self.history.append(row)
        if self.best_epoch == len(self.history):
            self.best = values(ema_values(self._whole, self.model))
        if self._folder:
            state = capture(self._whole, self.model, self.history, self.best)
            write_state(self._folder / run_folder.CHECKPOINT, state)
            run_folder.write_history(self._folder, self.history)
        _log.info("epoch %d: %s", epoch + 1, ", ".join(f"{k} {v:.4f}" for k, v in figures.items()))
        if is_done(self._stage, self.history):
            self.model.stop_training = True


class ReportProgress(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Tells a function after every batch and epoch where the run stands."""

    def __init__(
        self, report: Callable[[TrainingProgress], None], epochs: int, batches: int, keeper: KeepRun
    ):
        super().__init__()
        self._report, self._epochs, self._batches = report, epochs, batches
        self._keeper, self._epoch = keeper, 0

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
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        best = self._keeper.best_epoch
        self._report(
            TrainingProgress(self._epoch, self._epochs, batch, self._batches, metrics, done, best)
        )
