"""Owns the checkpoint of a run: one file from which the run resumes bit for bit."""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from emorec.atomic_files import written_whole
from emorec.errors import DataError

Array = npt.NDArray[Any]
History = list[dict[str, float]]

SCHEMA_VERSION = 1
"""Version of the members of a checkpoint; stored under the key `format`."""

_NOTES = "notes"


@dataclass(frozen=True)
class RunState:
    """State of a run after an epoch.

    The order and the augmentation of the images follow from the seed and the number of the epoch,
    so they are not stored.

    Attributes:
        history: One row of metrics for each epoch so far, with the numbers of the epoch and of
            its stage, both from 1.
        variables: Variables of the classifier, including the states of its random generators.
        optimizer: Variables of the optimizer: step, momenta, moving averages.
        best: The weights of the best epoch, in the order of `model.weights`.
    """

    history: History
    variables: Sequence[Array]
    optimizer: Sequence[Array]
    best: Sequence[Array]

    @property
    def epoch(self) -> int:
        """Number of finished epochs."""
        return len(self.history)

    @property
    def stage(self) -> int:
        """Number of the stage of the last epoch, from 1."""
        return int(self.history[-1]["stage"])


def best_epoch(history: History) -> int:
    """Return the epoch with the best validation accuracy, from 1; 0 without epochs.

    Of equal accuracies, which are common with few images, the lowest validation loss decides, and
    then the first epoch. Of a run that is not validated it is the last epoch.
    """

    def quality(index: int) -> tuple[float, float]:
        row = history[index]
        if "val_accuracy" not in row:
            return index, 0
        return row["val_accuracy"], -row.get("val_loss", 0)

    return max(range(len(history)), key=quality, default=-1) + 1


def capture(
    classifier: keras.Model, model: keras.Model, history: History, best: Sequence[Array]
) -> RunState:
    """Copy the state of a classifier and of its compiled part that is trained."""
    return RunState(history, values(classifier.variables), values(model.optimizer.variables), best)


def restore(
    classifier: keras.Model,
    model: keras.Model,
    state: RunState,
    source: Path,
    optimizer: bool = True,
) -> None:
    """Restore the variables of a classifier and the optimizer of its compiled part.

    Args:
        classifier: The whole classifier.
        model: The compiled part of it that is trained, or the classifier itself.
        state: State to restore.
        source: File of the state, for messages.
        optimizer: Restore the optimizer too.

    Raises:
        DataError: The state belongs to another model or optimizer.
    """
    assign(classifier.variables, state.variables, source)
    if optimizer:
        model.optimizer.build(model.trainable_variables)
        assign(model.optimizer.variables, state.optimizer, source)


def values(variables: Sequence[Any]) -> list[Array]:
    """Copy the values of Keras variables."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def assign(variables: Sequence[Any], arrays: Sequence[Array], source: Path) -> None:
    """Assign values read from a file to Keras variables.

    Args:
        variables: Variables to set.
        arrays: One value for each, of the same shape and dtype.
        source: File of the values, for messages.

    Raises:
        DataError: Variables and values differ in number, shape or dtype.
    """
    expected = [(tuple(variable.shape), str(variable.dtype)) for variable in variables]
    found = [(array.shape, str(array.dtype)) for array in arrays]
    if found != expected:
        first = next(
            (i for i, pair in enumerate(zip(found, expected, strict=False)) if pair[0] != pair[1]),
            None,
        )
        difference = f"{len(found)} variables, the run has {len(expected)}"
        if first is not None:
            difference = f"variable {first} as {found[first]}, the run as {expected[first]}"
        raise DataError(
            f"{source}: the checkpoint belongs to another model or optimizer: it has {difference}"
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def write_state(path: Path, state: RunState) -> None:
    """Write a checkpoint atomically.

    Raises:
        DataError: The file cannot be written.
    """
    notes = {"format": SCHEMA_VERSION, "history": state.history}
    arrays = {
        f"{group}_{number}": array
        for group in ("variables", "optimizer", "best")
        for number, array in enumerate(getattr(state, group))
    }
    arrays[_NOTES] = np.frombuffer(json.dumps(notes).encode(), np.uint8)
    with written_whole(path) as partial:
        np.savez(partial, **arrays)


def read_state(path: Path) -> RunState:
    """Read a checkpoint, without running code of the file or reading more than its size.

    Raises:
        DataError: The file cannot be read, is damaged, or is no checkpoint.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
                raise ValueError("it is compressed")
        with np.load(path, allow_pickle=False) as file:
            notes = json.loads(file[_NOTES].tobytes())
            groups = {
                group: [file[f"{group}_{i}"] for i in range(_count(file.files, group))]
                for group in ("variables", "optimizer", "best")
            }
        if notes["format"] != SCHEMA_VERSION:
            raise ValueError(f"its format is not {SCHEMA_VERSION}")
        history = _checked_history(notes["history"])
    # On a damaged file zipfile, NumPy and json raise exceptions of any type.
    except Exception as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise DataError(
            f"{path}: not a checkpoint, or a damaged one ({reason or error or type(error).__name__}"
            "); the run cannot be resumed: start a new one"
        ) from error
    return RunState(history, **groups)


def _count(names: Sequence[str], group: str) -> int:
    return sum(name.startswith(f"{group}_") for name in names)


def _checked_history(rows: Any) -> History:
    history = [dict(row) for row in rows]
    if not history or [row["epoch"] for row in history] != list(range(1, len(history) + 1)):
        raise ValueError("its history has gaps")
    names = {"epoch", "stage", "loss"} | history[0].keys()
    for row in history:
        if row.keys() != names or not all(isinstance(v, int | float) for v in row.values()):
            raise ValueError("its history is damaged")
    return history
