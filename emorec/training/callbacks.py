"""Keras callbacks of a run: progress, checks, checkpoints."""

import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import keras

from emorec.errors import ConfigError
from emorec.interrupts import deliver_pending_interrupt
from emorec.training import run_folder
from emorec.training.checkpoint import (
    Array,
    History,
    RunState,
    best_epoch,
    capture,
    values,
    write_state,
)
from emorec.training.ema import ema_values
from emorec.training.run_timer import RunTimer
from emorec.training.stages import Stage, is_done
from emorec.training.training_progress import TrainingProgress, TrainingProgressCallback

_log = logging.getLogger(__name__)


class LossError(ConfigError):
    """The loss is not finite."""


# Keras's TerminateOnNaN stops without an error, and does not check the validation loss.
class StopOnNaN(keras.callbacks.Callback):  # type: ignore[misc]
    """Stops a run whose loss is not finite; precedes the callback that saves the weights."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Store the number of the epoch."""
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Check the loss.

        Raises:
            LossError: The loss is not finite.
        """
        self._check("loss", logs, f"in epoch {self._epoch}, batch {batch + 1}")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Check the validation loss, which shows a damage of the weights by the last batch.

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
    """Lets Ctrl-C end the run between two batches only; see `emorec.interrupts`."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Raise a pending interrupt after a training batch."""
        deliver_pending_interrupt()

    def on_test_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Raise a pending interrupt after a validation batch."""
        deliver_pending_interrupt()


class RunCheckpoint(keras.callbacks.Callback):  # type: ignore[misc]
    """Saves the state of the run after each epoch, and ends a stage that is done.

    The run resumes from the checkpoint alone; history.csv is a copy for readers.

    Attributes:
        best: Weights of the best epoch, in the order of `classifier.weights`.
        history: One row of metrics for each epoch.
    """

    def __init__(self, folder: Path | None, classifier: keras.Model, state: RunState | None = None):
        """Start a run, or resume it after the last epoch of a state.

        Args:
            folder: The run folder; None writes nothing, for the other processes of a run.
            classifier: The whole classifier; the fitted model may be a part of it.
            state: State to resume from.
        """
        super().__init__()
        self._folder, self._classifier = folder, classifier
        self.best: Sequence[Array] = state.best if state else ()
        self.history: History = list(state.history) if state else []

    def begin(self, stage: Stage) -> None:
        """Assign the next epochs to a stage."""
        self._stage = stage

    @property
    def best_epoch(self) -> int:
        """The epoch with the best validation accuracy, from 1; 0 before the first has ended."""
        return best_epoch(self.history)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Append the epoch's row, copy the weights of a new best epoch, and write both.

        Raises:
            DataError: A file cannot be written.
        """
        metrics = {name: float(value) for name, value in sorted((logs or {}).items())}
        rate = float(self.model.optimizer.learning_rate)
        row = {"epoch": epoch + 1, "stage": self._stage.number, "learning_rate": rate, **metrics}
        self.history.append(row)
        if self.best_epoch == len(self.history):
            self.best = values(ema_values(self._classifier, self.model))
        if self._folder:
            state = capture(self._classifier, self.model, self.history, self.best)
            write_state(self._folder / run_folder.CHECKPOINT, state)
            run_folder.write_history(self._folder, self.history)
        _log.info("epoch %d: %s", epoch + 1, ", ".join(f"{k} {v:.4f}" for k, v in metrics.items()))
        if is_done(self._stage, self.history):
            self.model.stop_training = True


class Observe(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Calls functions with the history after each epoch; follows the checkpoint."""

    def __init__(self, observers: Sequence[Callable[[History], None]], history: History):
        """Store the functions, and the history to which the checkpoint adds the epochs."""
        super().__init__()
        self._observers, self._history = observers, history

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Call the functions."""
        for observe in self._observers:
            observe(self._history)


class ReportProgress(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Reports the progress of the run after every batch and epoch."""

    def __init__(
        self,
        progress: TrainingProgressCallback,
        epochs: int,
        batches: int,
        checkpoint: RunCheckpoint,
        timer: RunTimer,
    ):
        """Store the receiver and the size of the run.

        Args:
            progress: Called with the progress.
            epochs: Number of epochs of the run.
            batches: Number of batches of an epoch.
            checkpoint: Callback that knows the best epoch.
            timer: Callback that knows how long the run will take.
        """
        super().__init__()
        self._progress, self._epochs, self._batches = progress, epochs, batches
        self._checkpoint, self._timer, self._epoch = checkpoint, timer, 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Store the number of the epoch."""
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Report the batch."""
        self._report(batch + 1, logs, False)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Report the epoch."""
        self._report(self._batches, logs, True)

    def _report(self, batch: int, logs: dict[str, float] | None, done: bool) -> None:
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        self._progress(
            TrainingProgress(
                self._epoch,
                self._epochs,
                batch,
                self._batches,
                metrics,
                done,
                self._checkpoint.best_epoch,
                self._timer.seconds_left,
            )
        )
