"""The state of a run in one file, from which the run goes on as if it had never been stopped."""

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

_FORMAT = 1
_NOTES = "notes"


@dataclass(frozen=True)
class State:
    """Where a run stands after an epoch.

    The order and the changes of the images follow from the seed and the number of the epoch, so
    they need no place here.

    Attributes:
        history: One row of figures for each epoch so far, with the numbers of the epoch and of
            its training stage, both from 1.
        variables: The model's variables, the states of its random generators among them.
        optimizer: The optimizer's variables: the step, momenta, averages.
        best: The weights of the best epoch, in the order of `model.weights`.
    """

    history: History
    variables: Sequence[Array]
    optimizer: Sequence[Array]
    best: Sequence[Array]

    @property
    def epoch(self) -> int:
        """Number of epochs done."""
        return len(self.history)

    @property
    def stage(self) -> int:
        """Number of the training stage that the last epoch belongs to, from 1."""
        return int(self.history[-1]["stage"])


def best_epoch(history: History) -> int:
    """The first epoch with the best validation accuracy, from 1; 0 without any epoch."""
    return max(range(len(history)), key=lambda i: history[i]["val_accuracy"], default=-1) + 1


def patience_is_out(history: History, patience: int) -> bool:
    """Tell whether the best epoch of the last stage is that many epochs ago."""
    stage = [row for row in history if row["stage"] == history[-1]["stage"]]
    return len(stage) - best_epoch(stage) >= patience


def capture(
    whole: keras.Model, model: keras.Model, history: History, best: Sequence[Array]
) -> State:
    """Copy the state of a model and of the compiled part of it that is being trained."""
    return State(history, values(whole.variables), values(model.optimizer.variables), best)


def restore(
    whole: keras.Model, model: keras.Model, state: State, source: Path, optimizer: bool = True
) -> None:
    """Give a model the variables, and the compiled part of it the optimizer, of a state.

    Raises:
        DataError: The state is of another model or optimizer.
    """
    assign(whole.variables, state.variables, source)
    if optimizer:
        model.optimizer.build(model.trainable_variables)
        assign(model.optimizer.variables, state.optimizer, source)


def values(variables: Sequence[Any]) -> list[Array]:
    """Copy the values of Keras variables."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def assign(variables: Sequence[Any], arrays: Sequence[Array], source: Path) -> None:
    """Give Keras variables the values read from a file.

    Raises:
        DataError: They differ in number, shape or type.
    """
    expected = [(tuple(variable.shape), str(variable.dtype)) for variable in variables]
    found = [(array.shape, str(array.dtype)) for array in arrays]
    if found != expected:
        first = next(
            (i for i, pair in enumerate(zip(found, expected, strict=False)) if pair[0] != pair[1]),
            None,
        )
        what = f"{len(found)} variables, the run has {len(expected)}"
        if first is not None:
            what = f"variable {first} as {found[first]}, the run as {expected[first]}"
        raise DataError(f"{source}: the checkpoint fits another model or optimizer: it has {what}")
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def write_state(path: Path, state: State) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        DataError: The file cannot be written.
    """
    notes = {"format": _FORMAT, "history": state.history}
    arrays = {
        f"{group}_{number}": array
        for group in ("variables", "optimizer", "best")
        for number, array in enumerate(getattr(state, group))
    }
    arrays[_NOTES] = np.frombuffer(json.dumps(notes).encode(), np.uint8)
    with written_whole(path) as partial:
        np.savez(partial, **arrays)


def read_state(path: Path) -> State:
    """Read a checkpoint; nothing in the file is run, and no more is read than it weighs.

    Raises:
        DataError: The file cannot be read, or is damaged or no checkpoint.
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
        if notes["format"] != _FORMAT:
            raise ValueError(f"its format is not {_FORMAT}")
        history = _checked(notes["history"])
    # A damaged file makes zipfile, NumPy and json raise whatever they come upon.
    except Exception as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise DataError(
            f"{path}: not a checkpoint, or a damaged one ({reason or error or type(error).__name__}"
            "); without it the run cannot go on: train anew"
        ) from error
    return State(history, **groups)


def _count(names: Sequence[str], group: str) -> int:
    return sum(name.startswith(f"{group}_") for name in names)


def _checked(rows: Any) -> History:
    history = [dict(row) for row in rows]
    if not history or [row["epoch"] for row in history] != list(range(1, len(history) + 1)):
        raise ValueError("its history has gaps")
    names = {"epoch", "stage", "val_accuracy"} | history[0].keys()
    for row in history:
        if row.keys() != names or not all(isinstance(v, int | float) for v in row.values()):
            raise ValueError("its history is damaged")
    return history
