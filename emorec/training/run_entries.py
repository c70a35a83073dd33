"""Reads what a finished, unfinished or damaged run folder tells about its run."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from emorec.datasets.readers.table import read_table
from emorec.errors import ConfigError, DataError
from emorec.json_files import read_json
from emorec.models.files import ENVIRONMENT, PREDICTIONS
from emorec.table_cells import plain_cell
from emorec.training import fold_folder, run_folder
from emorec.training.config import read_config

FINISHED, UNFINISHED, DAMAGED = "finished", "unfinished", "damaged"

FIGURES = ("accuracy", "balanced_accuracy", "macro_f1", "loss", "calibration_error")
"""Figures of merit of a run, as metrics.json names them."""

_INTERVALS = ("accuracy", "balanced_accuracy", "macro_f1")

_MAX_LOG_BYTES = 2**24
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}(?= )", re.ASCII)
_TIME_FORMAT = "%Y-%m-%d %H:%M:%S,%f"
_RESUMING = " resuming after epoch "

History = list[dict[str, float]]
_Content = TypeVar("_Content")


@dataclass(frozen=True)
class RunEntry:
    """A run, or a cross-validation.

    Attributes:
        folder: Its folder.
        state: `FINISHED`, `UNFINISHED` or `DAMAGED`.
        folds: Number of folds of a cross-validation; None for a run.
        settings: Value of each setting by its dotted name; empty if they are damaged.
        environment: Content of environment.json; empty if it is damaged.
        history: One row for each epoch: epoch, learning_rate, accuracy, loss, val_accuracy,
            val_loss, as far as they are known. Of a cross-validation, the mean accuracy of the
            folds as val_accuracy.
        best_epoch: Epoch of the model, from 1; None before the first has ended.
        figures: Values of `FIGURES`, on validation images, where they are known. Those of an
            unfinished run are accuracy and loss of the best epoch.
        intervals: 95 % intervals of some figures.
        parameters: Number of parameters of the model, if known.
        seconds: Duration by train.log; None if it is not known or the run was resumed.
        correct: Whether each image was classified correctly, by its path and label; only of a
            cross-validation.
        problems: What is damaged, one line each.
    """

    folder: Path
    state: str
    folds: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    history: History = field(default_factory=list)
    best_epoch: int | None = None
    figures: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    parameters: int | None = None
    seconds: float | None = None
    correct: dict[tuple[str, str], bool] | None = None
    problems: tuple[str, ...] = ()

    @property
    def epochs(self) -> int:
        """Number of epochs that have ended."""
        return len(self.history)

    @property
    def fingerprint(self) -> str | None:
        """Hash of the images and labels of its data set; None if it is not known."""
        found = self.environment.get("data_fingerprint")
        return found if isinstance(found, str) else None


def read_entry(folder: Path) -> RunEntry:
    """Read a run folder, or the folder of a cross-validation.

    Raises:
        DataError: It is no run folder, or nothing in it can be read.
    """
    run_folder.require_run(folder)
    problems: list[str] = []

    def attempt(read: Callable[[], _Content], otherwise: _Content) -> _Content:
        try:
            return read()
        except (ConfigError, DataError) as error:
            problems.append(str(error))
            return otherwise

    crossed = fold_folder.is_cross_validation(folder)
    settings: dict[str, Any] = attempt(
        lambda: _flat(read_config(folder / run_folder.CONFIG).model_dump()), {}
    )
    environment: dict[str, Any] = attempt(lambda: read_json(folder / ENVIRONMENT), {})
    metrics: dict[str, Any] = {}
    if (folder / run_folder.METRICS).exists():
        metrics = attempt(lambda: read_json(folder / run_folder.METRICS), {})
    folds: int | None = None
    correct: dict[tuple[str, str], bool] | None = None
    history: History = []
    if crossed:
        folds = attempt(lambda: fold_folder.read_plan(folder).count, 0)
        history = attempt(lambda: _mean_accuracies(folder, metrics), [])
        if (folder / PREDICTIONS).exists():
            correct = attempt(lambda: _correct(folder / PREDICTIONS), None)
        finished, logs = fold_folder.finished(folder), [*folder.glob(f"*/{run_folder.LOG}")]
    else:
        if (folder / run_folder.HISTORY).exists():
            history = attempt(lambda: _history(folder / run_folder.HISTORY), [])
        finished, logs = run_folder.finished(folder), [folder / run_folder.LOG]
    if problems and not history and not metrics:
        raise DataError(f"{folder}: nothing of this run can be read: {problems[0]}")
    best = _number(metrics.get("epochs" if crossed else "best_epoch"))
    figures, intervals = _figures(metrics.get("pooled") if crossed else metrics)
    if best is None and history and not crossed:
        row = max(history, key=lambda row: row.get("val_accuracy", -row["loss"]))
        best = row["epoch"]
        names = {"accuracy": "val_accuracy", "loss": "val_loss"}
        figures = {name: row[key] for name, key in names.items() if key in row}
    parameters = _number(metrics.get("parameters"))
    return RunEntry(
        folder,
        DAMAGED if problems else FINISHED if finished else UNFINISHED,
        folds,
        settings,
        environment,
        history,
        None if best is None else int(best),
        figures,
        intervals,
        None if parameters is None else int(parameters),
        _seconds(logs),
        correct,
        tuple(problems),
    )


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings by dotted names."""
    found = {}
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            found.update(_flat(value, f"{prefix}{name}."))
        else:
            found[prefix + name] = value
    return found


def _history(path: Path) -> History:
    table = read_table(path, ("epoch", "loss", "accuracy"))
    try:
        rows = [
            dict(zip(table.columns, map(float, values), strict=True))
            for values in zip(*table.columns.values(), strict=True)
        ]
    except ValueError as error:
        raise DataError(f"{path}: damaged: {error!s:.100}") from error
    if not all(math.isfinite(value) for row in rows for value in row.values()):
        raise DataError(f"{path}: damaged: a value is not finite")
    return rows


def _mean_accuracies(folder: Path, metrics: dict[str, Any]) -> History:
    """Return the mean accuracy of the folds by epoch; of those that are done, if some are."""
    found = metrics.get("accuracy_by_epoch")
    if found is None:
        folds = [
            read_json(path).get("accuracy_by_epoch")
            for path in sorted(folder.glob(f"fold-*/{run_folder.METRICS}"))
        ]
        if not folds:
            return []
        found = _mean(folds)
    values = [_number(value) for value in found] if isinstance(found, list) else []
    if None in values:
        raise DataError(f"{folder / run_folder.METRICS}: damaged: an accuracy is no number")
    return [
        {"epoch": float(epoch), "val_accuracy": value}
        for epoch, value in enumerate(values, 1)
        if value is not None
    ]


def _mean(folds: Sequence[Any]) -> list[float]:
    try:
        return [float(value) for value in np.array(folds, np.float64).mean(axis=0)]
    except (TypeError, ValueError) as error:
        raise DataError(f"the accuracies of the folds are damaged ({error!s:.80})") from error


def _correct(path: Path) -> dict[tuple[str, str], bool]:
    columns = read_table(path, ("path", "label", "predicted")).columns
    names = ("path", "label", "predicted")
    rows = zip(*(map(plain_cell, columns[name]) for name in names), strict=True)
    return {(image, label): label == predicted for image, label, predicted in rows}


def _figures(
    metrics: Any,
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Return the figures of metrics.json and their intervals."""
    if not isinstance(metrics, dict):
        return {}, {}
    figures = {name: value for name in FIGURES if (value := _number(metrics.get(name))) is not None}
    intervals = {}
    for name in _INTERVALS:
        found = metrics.get(f"{name}_interval")
        if isinstance(found, list) and len(found) == 2:
            low, high = _number(found[0]), _number(found[1])
            if low is not None and high is not None:
                intervals[name] = (low, high)
    return figures, intervals


def _number(value: Any) -> float | None:
    """Return a finite number; None for anything else."""
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if usable and abs(value) < 1e15 else None


def _seconds(logs: Sequence[Path]) -> float | None:
    """Return the sum of the durations of logs; None if one is missing or of a resumed run."""
    total = 0.0
    for path in logs:
        try:
            if path.stat().st_size > _MAX_LOG_BYTES:
                return None
            text = path.read_text("utf-8", "replace")
        except OSError:
            return None
        times = [
            match.group() for line in text.splitlines() if (match := _TIME.match(line)) is not None
        ]
        if not times or _RESUMING in text:
            return None
        try:
            first, last = (datetime.strptime(times[i], _TIME_FORMAT) for i in (0, -1))
        except ValueError:
            return None
        total += max((last - first).total_seconds(), 0.0)
    return total if logs else None


def common_correct(
    first: RunEntry, second: RunEntry
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None:
    """Return whether two cross-validations are right about each image, in one order.

    Returns:
        None unless both classified the same images with the same labels.
    """
    if not first.correct or not second.correct or first.correct.keys() != second.correct.keys():
        return None
    keys = list(first.correct)
    return (
        np.array([first.correct[key] for key in keys], np.bool_),
        np.array([second.correct[key] for key in keys], np.bool_),
    )
