"""Writes the figures of a run for TensorBoard, whatever the backend."""

import shutil
import time
from pathlib import Path

import keras
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from emorec.errors import DataError
from emorec.training.checkpoint import History

_FILE = "events.out.tfevents.emorec"
_NO_FIGURES = ("epoch", "stage")


class WriteTensorBoard(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Writes a point an epoch: the curves `train` and `validation` of each figure.

    Keras's own callback needs TensorFlow; the package tensorboard, which is needed to look at the
    curves anyway, brings the format.
    """

    def __init__(self, folder: Path, history: History):
        """Begin the curves; those of a run that goes on are written anew from its history.

        Args:
            folder: What TensorBoard is pointed at; emptied first.
            history: The rows so far; those to come are added to the same list.

        Raises:
            DataError: The folder cannot be written.
        """
        super().__init__()
        self._folder, self._history = folder, history
        try:
            if folder.exists():
                shutil.rmtree(folder)
            for curve in ("train", "validation"):
                (folder / curve).mkdir(parents=True)
        except OSError as error:
            raise self._failed(error) from error
        for curve in ("train", "validation"):
            self._append(curve, [Event(file_version="brain.Event:2")])
        self._add(history)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add the epoch's row.

        Raises:
            DataError: The folder cannot be written.
        """
        self._add(self._history[-1:])

    def _add(self, rows: History) -> None:
        points: dict[str, list[Event]] = {"train": [], "validation": []}
        for row in rows:
            for name, value in row.items():
                if name not in _NO_FIGURES:
                    curve = "validation" if name.startswith("val_") else "train"
                    figure = Summary.Value(tag=name.removeprefix("val_"), simple_value=value)
                    points[curve].append(
                        Event(step=int(row["epoch"]), summary=Summary(value=[figure]))
                    )
        for curve, events in points.items():
            self._append(curve, events)

    def _append(self, curve: str, events: list[Event]) -> None:
        try:
            with (self._folder / curve / _FILE).open("ab") as file:
                writer = RecordWriter(file)
                for event in events:
                    event.wall_time = time.time()
                    writer.write(event.SerializeToString())
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> DataError:
        return DataError(f"{self._folder}: cannot write: {error.strerror or error}")
