"""Writes the metrics of a run for TensorBoard, on every backend."""

import shutil
from pathlib import Path

import keras
from tensorboard.summary import Writer

from emorec.errors import DataError
from emorec.training.checkpoint import History

_NO_METRICS = ("epoch", "stage")


# Keras's own TensorBoard callback needs TensorFlow.
class WriteTensorBoard(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Writes one point an epoch to the curves `train` and `validation` of each metric."""

    def __init__(self, folder: Path, history: History):
        """Start the curves; those of a resumed run are rewritten from its history.

        Args:
            folder: Log directory of TensorBoard; emptied first.
            history: Rows of the epochs so far; the run appends the next ones to the same list.

        Raises:
            DataError: The folder cannot be written.
        """
        super().__init__()
        self._folder, self._history = folder, history
        try:
            if folder.exists():
                shutil.rmtree(folder)
            self._writers = {
                curve: Writer(str(folder / curve)) for curve in ("train", "validation")
            }
        # TensorBoard writes through TensorFlow where it is installed, with its exceptions.
        except Exception as error:
            raise self._failure(error) from error
        self._add(history)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add the epoch's row.

        Raises:
            DataError: The folder cannot be written.
        """
        self._add(self._history[-1:])

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()

    def _add(self, rows: History) -> None:
        try:
            for row in rows:
                for name, value in row.items():
                    if name not in _NO_METRICS:
                        curve = "validation" if name.startswith("val_") else "train"
                        tag, step = name.removeprefix("val_"), int(row["epoch"])
                        self._writers[curve].add_scalar(tag, value, step)
            for writer in self._writers.values():
                writer.flush()
        except Exception as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> DataError:
        reason = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), "")
        return DataError(f"{self._folder}: cannot write: {reason or type(error).__name__}")
