"""Keeps the trials of a search in Optuna's SQLite storage, and asks Optuna for the next ones."""

import re
import sqlite3
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from emorec.errors import DataError
from emorec.training.search_space import Parameter
from emorec.training.tuning_records import TrialFigures, TrialOutcome, TrialRecord

_NAME = "emorec"
_MAX_BYTES = 2**28
_MAX_TRIALS = 10_000

_FOLDER, _RETRIED, _SECONDS, _REASON, _FIGURES, _INTERRUPTED = (
    "folder",
    "retry_of",
    "seconds",
    "reason",
    "figures",
    "interrupted",
)
"""Keys of the attributes of a trial in the storage."""

_FOLDER_NAME = re.compile(r"trial-\d{3,5}")

_STARTUP_TRIALS = 4
"""Trials without pruning, whose epochs the later ones are compared with."""

_STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


class TuningStudy:
    """The trials of a search, with a sampler (TPE) and a median pruner.

    The storage holds numbers and JSON. The state of the sampler is not in it: a resumed search
    samples from a seed that differs with the number of its trials.
    """

    def __init__(
        self,
        path: Path,
        space: Sequence[Parameter],
        *,
        minimize: bool,
        pruning: bool,
        epochs: int,
        seed: int,
    ):
        """Create the storage, or open it.

        Args:
            path: The SQLite file.
            space: The searched settings.
            minimize: Whether lower figures are better.
            pruning: Whether `report` may ask to end a trial.
            epochs: Number of epochs of a trial.
            seed: Seed of the sampler.

        Raises:
            DataError: The file is damaged, or no storage of a search.
        """
        self._space, self._path = tuple(space), path
        check_storage(path)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                storage = optuna.storages.RDBStorage(f"sqlite:///{path.resolve().as_posix()}")
                self._study = optuna.create_study(
                    storage=storage,
                    study_name=_NAME,
                    load_if_exists=True,
                    direction="minimize" if minimize else "maximize",
                )
                count = len(self._trials())
            if count > _MAX_TRIALS:
                raise ValueError(f"it has more than {_MAX_TRIALS:,} trials")
        # SQLAlchemy, Alembic and Optuna raise exceptions of many types for a damaged file.
        except Exception as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise DataError(f"{path}: not the storage of a search: {reason:.200}") from error
        self._study.sampler = optuna.samplers.TPESampler(
            seed=(seed + count) % 2**32, n_startup_trials=6
        )
        self._study.pruner = (
            optuna.pruners.MedianPruner(_STARTUP_TRIALS, n_warmup_steps=max(epochs // 4, 1) + 1)
            if pruning
            else optuna.pruners.NopPruner()
        )
        self._running: optuna.Trial | None = None
        self._before, self._started = 0.0, 0.0

    def release_interrupted(self) -> None:
        """Mark the trials that an earlier process did not end, and queue their settings again.

        A kill in the midst of this leaves a state from which it is done again.
        """
        with self._explained():
            trials = self._trials()
            for trial in trials:
                if trial.state != TrialState.RUNNING:
                    continue
                storage = self._study._storage
                storage.set_trial_user_attr(trial._trial_id, _INTERRUPTED, True)
                settings = trial.system_attrs.get("fixed_params") or trial.params
                retried = any(each.user_attrs.get(_RETRIED) == trial.number for each in trials)
                if settings and not retried:
                    attributes = {_RETRIED: trial.number}
                    if _FOLDER in trial.user_attrs:
                        attributes[_FOLDER] = trial.user_attrs[_FOLDER]
                    self._study.enqueue_trial(settings, user_attrs=attributes)
                self._study.tell(trial.number, state=TrialState.FAIL)

    def enqueue_first(self, settings: Mapping[str, Any]) -> None:
        """Queue the settings of the recipe as the first trial, unless there is one already."""
        with self._explained():
            if not self._trials():
                self._study.enqueue_trial(dict(settings))

    def begin_trial(self) -> tuple[int, str, dict[str, Any]]:
        """Begin the next trial; return its number, the name of its folder and its settings."""
        number = len(self.records()) + 1
        with self._explained():
            trial = self._running = self._study.ask()
            self._started = time.monotonic()
            folder = trial.user_attrs.get(_FOLDER)
            if folder is None:
                folder = f"trial-{number:03}"
                trial.set_user_attr(_FOLDER, folder)
            if not isinstance(folder, str) or not _FOLDER_NAME.fullmatch(folder):
                raise ValueError(f"a trial is in the folder {folder!r:.60}")
            return number, folder, {each.name: _suggest(trial, each) for each in self._space}

    def report(self, epoch: int, value: float) -> bool:
        """Store the figure of an epoch, and return whether the trial should be pruned."""
        trial = self._current
        with self._explained(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trial.report(value, epoch)
            trial.set_user_attr(_SECONDS, time.monotonic() - self._started)
            return bool(trial.should_prune())

    def end_trial(self, outcome: TrialOutcome, objective: str) -> None:
        """Store how the current trial ended."""
        trial = self._current
        with self._explained():
            trial.set_user_attr(_SECONDS, time.monotonic() - self._started)
            trial.set_user_attr(_REASON, outcome.reason[:1000])
            if outcome.figures is None:
                pruned = outcome.state == "pruned"
                state = TrialState.PRUNED if pruned else TrialState.FAIL
                self._study.tell(trial, state=state)
            else:
                trial.set_user_attr(_FIGURES, outcome.figures.to_dict())
                self._study.tell(trial, outcome.figures.values[objective])
        self._running = None

    @property
    def _current(self) -> "optuna.Trial":
        assert self._running is not None, "no trial has begun"
        return self._running

    def records(self) -> tuple[TrialRecord, ...]:
        """Return the trials that have ended, in order, without those that were interrupted.

        Raises:
            DataError: The storage is damaged.
        """
        ended = [
            trial
            for trial in self._trials()
            if trial.state in _STATES and not trial.user_attrs.get(_INTERRUPTED)
        ]
        try:
            return tuple(self._record(number, trial) for number, trial in enumerate(ended, 1))
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f"{self._path}: damaged: {error!s:.200}") from error

    @property
    def used_seconds(self) -> float:
        """What all trials took, those included that were interrupted."""
        return sum(_seconds(trial) for trial in self._trials() if trial.state.is_finished())

    def importances(self) -> dict[str, float]:
        """Return the share of each setting in reaching a figure of the better half (PED-ANOVA).

        See Watanabe, Bansal and Hutter 2023, "PED-ANOVA: Efficiently Quantifying Hyperparameter
        Importance in Arbitrary Subspaces". Unlike fANOVA it needs no scikit-learn.

        Returns:
            Shares that sum to 1, the largest first; empty with fewer than 8 complete trials.
        """
        complete = [each for each in self.records() if each.outcome.state == "complete"]
        if len(complete) < 8:
            return {}
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=0.5)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return dict(
                    optuna.importance.get_param_importances(self._study, evaluator=evaluator)
                )
            except (ValueError, RuntimeError):  # such as trials that all have one figure
                return {}

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Convert the errors of the storage, of many types, to one that names the file."""
        try:
            yield
        except Exception as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise DataError(f"{self._path}: cannot use the storage: {reason:.200}") from error

    def _trials(self) -> list[FrozenTrial]:
        trials: list[FrozenTrial] = self._study.get_trials(deepcopy=False)
        return trials

    def _record(self, number: int, trial: FrozenTrial) -> TrialRecord:
        attributes = trial.user_attrs
        figures = None
        if trial.state == TrialState.COMPLETE:
            figures = TrialFigures.from_dict(attributes[_FIGURES])
        state = _STATES[trial.state]
        outcome = TrialOutcome(state, str(attributes.get(_REASON, "")), figures)  # type: ignore[arg-type]
        folder = str(attributes.get(_FOLDER, ""))
        if not _FOLDER_NAME.fullmatch(folder):
            raise ValueError(f"trial {number} is in the folder {folder!r:.60}")
        names = {each.name for each in self._space}
        settings = {name: value for name, value in trial.params.items() if name in names}
        if figures is not None:
            for each in self._space:
                _check(each, settings[each.name])
        epochs = len(trial.intermediate_values)
        return TrialRecord(number, folder, settings, outcome, epochs, _seconds(trial))


def check_storage(path: Path) -> None:
    """Check that a file is safe to open as a storage, if it exists.

    A search that somebody else made may hold an SQLite file with triggers, views or virtual tables,
    which run when the tables are used; Optuna makes none.

    Raises:
        DataError: It is a link, too large, or no plain SQLite database.
    """
    if not path.is_symlink() and not path.exists():
        return
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_BYTES:
        raise DataError(f"{path}: not the storage of a search: a file of at most 256 MiB")
    try:
        # Not read-only: the journal of a killed process is rolled back.
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA trusted_schema=OFF")
            found = connection.execute(
                "SELECT name FROM sqlite_master WHERE type NOT IN ('table', 'index') "
                "OR sql LIKE 'CREATE VIRTUAL%' LIMIT 1"
            ).fetchone()
    except sqlite3.Error as error:
        raise DataError(f"{path}: not the storage of a search: {error}") from error
    if found:
        raise DataError(f"{path}: not the storage of a search: it holds {found[0]!r:.60}")


def _suggest(trial: "optuna.Trial", parameter: Parameter) -> Any:
    if parameter.choices:
        return trial.suggest_categorical(parameter.name, parameter.choices)
    if parameter.integer:
        low, high = int(parameter.low), int(parameter.high)
        return trial.suggest_int(parameter.name, low, high, log=parameter.log)
    return trial.suggest_float(parameter.name, parameter.low, parameter.high, log=parameter.log)


def _check(parameter: Parameter, value: Any) -> None:
    """Check that a value belongs to a parameter."""
    if parameter.choices:
        fits = value in parameter.choices
    else:
        fits = isinstance(value, int | float) and parameter.low <= value <= parameter.high
    if not fits:
        raise ValueError(f"{parameter.name} has the value {value!r:.60}")


def _seconds(trial: FrozenTrial) -> float:
    found = trial.user_attrs.get(_SECONDS, 0.0)
    return float(found) if isinstance(found, int | float) else 0.0
