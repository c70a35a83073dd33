"""Searches settings of a training: trials of a search space, compared on the validation split."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emorec.atomic_files import write_bytes
from emorec.datasets.fingerprint import fingerprint
from emorec.errors import ConfigError, DataError
from emorec.locks import locked
from emorec.training import run_folder, tuning_folder
from emorec.training.config import TrainConfig
from emorec.training.run_data import open_dataset
from emorec.training.search_space import Parameter, value_of, with_settings
from emorec.training.trial_process import OUT_OF_TIME, RunTrial, TrialProcess, TrialReceivers
from emorec.training.tuning_folder import TuningPlan
from emorec.training.tuning_progress import TuningCallback, TuningProgress
from emorec.training.tuning_records import TrialOutcome, TrialRecord, best_of
from emorec.training.tuning_report import render_tuning
from emorec.training.tuning_study import TuningStudy

_MOST_FAILURES = 3
"""Trials that fail one after the other before the search ends: the cause is not their settings."""

_LATE = 1.1
"""Estimates that exceed the time that is left by less than a tenth may still be wrong."""

_WORSE = "worse than the median of the trials before it"


@dataclass(frozen=True)
class TuningResult:
    """Result of a search.

    Attributes:
        folder: Its folder.
        plan: What it was asked for.
        trials: Trials that have ended.
        out_of_time: The time ended the search before its last trial.
    """

    folder: Path
    plan: TuningPlan
    trials: tuple[TrialRecord, ...]
    out_of_time: bool = False

    @property
    def best(self) -> TrialRecord | None:
        """The best complete trial."""
        return best_of(self.trials, self.plan.objective)


def tune(
    config: TrainConfig,
    space: tuple[Parameter, ...],
    data_root: Path,
    parent: Path,
    *,
    progress: TuningCallback = lambda _: None,
    run_trial: RunTrial | None = None,
    **options: Any,
) -> TuningResult:
    """Search settings of a training, and write a folder with the trials and the best settings.

    Trials are compared on the validation split only. The first one has the settings of the recipe.

    Args:
        config: Settings of the recipe.
        space: The searched settings.
        data_root: A prepared data set or a FER-2013 folder tree.
        parent: Folder in which the folder of the search is created.
        progress: Called during the trials.
        run_trial: Trains a trial; None trains in a child process.
        **options: objective, trials, seconds and pruning of `TuningPlan`.

    Raises:
        ConfigError, DataError, ModelError: The settings, the data or an option is invalid, or the
            first trial fails.
        KeyboardInterrupt: Ctrl-C; `resume_tuning` resumes the search. Without a trial that has
            ended no folder remains.
    """
    plan = tuning_folder.plan_for(config, space, open_dataset(config, data_root), **options)
    folder = tuning_folder.create(parent, plan)
    try:
        return _search(folder, plan, progress, run_trial)
    except BaseException:
        if not any(folder.glob(f"trial-*/{run_folder.CHECKPOINT}")):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def resume_tuning(
    folder: Path,
    data_root: Path | None = None,
    *,
    progress: TuningCallback = lambda _: None,
    run_trial: RunTrial | None = None,
    **changes: Any,
) -> TuningResult:
    """Resume a search; an interrupted trial goes on after its last whole epoch.

    Args:
        folder: Folder of the search.
        data_root: The data set, if it was moved; None for its original path.
        progress: As for `tune`.
        run_trial: As for `tune`.
        **changes: A new number of trials, or new seconds for all of them.

    Raises:
        ConfigError, DataError, ModelError: As for `tune`; or the folder is not that of a search, a
            file is damaged, the data set or the backend differs, or another process uses it.
    """
    plan = tuning_folder.read_plan(folder)
    for path in folder.iterdir():
        if path.is_symlink():
            raise DataError(f"{path}: a link, which no search makes; remove it")
    dataset = open_dataset(plan.config, data_root or plan.data)
    if fingerprint(dataset) != plan.data_fingerprint:
        raise DataError(
            f"{dataset.root}: the data set differs from that of {folder}, or has changed; name "
            "the right folder with --data, or start a new search"
        )
    if plan.keras_backend != (backend := tuning_folder.keras_backend()):
        raise ConfigError(
            f"{folder}: the search uses the backend {plan.keras_backend}; received {backend}; set "
            f"KERAS_BACKEND={plan.keras_backend}"
        )
    plan = tuning_folder.rewrite_plan(folder, plan, data=dataset.root.resolve(), **changes)
    return _search(folder, plan, progress, run_trial)


def _search(
    folder: Path, plan: TuningPlan, progress: TuningCallback, run_trial: RunTrial | None
) -> TuningResult:
    busy = f"{folder}: another emorec tune uses this search"
    with locked(folder / tuning_folder.LOCK, busy), _trainer(folder, run_trial) as train:
        search = _Search(folder, plan, progress, train)
        try:
            return search.run()
        finally:
            search.write_report()


@contextmanager
def _trainer(folder: Path, run_trial: RunTrial | None) -> Iterator[RunTrial]:
    if run_trial is not None:
        yield run_trial
        return
    process = TrialProcess(folder / tuning_folder.LOG)
    try:
        yield process.run
    finally:
        process.close()


class _Search:
    """The trials of a search, one after the other."""

    def __init__(
        self, folder: Path, plan: TuningPlan, progress: TuningCallback, run_trial: RunTrial
    ):
        self._folder, self._plan = folder, plan
        self._progress, self._run_trial = progress, run_trial
        self._study = TuningStudy(
            folder / tuning_folder.STORAGE,
            plan.space,
            minimize=plan.objective == "loss",
            pruning=plan.pruning,
            epochs=plan.config.last_epoch,
            seed=plan.config.seed,
        )
        self._study.release_interrupted()
        own = {each.name: value_of(plan.config, each.name) for each in plan.space}
        self._study.enqueue_first(own)
        self._begun, self._used_before = time.monotonic(), self._study.used_seconds
        self._failures = 0

    @property
    def _seconds_left(self) -> float | None:
        if self._plan.seconds is None:
            return None
        return self._plan.seconds - self._used_before - (time.monotonic() - self._begun)

    def run(self) -> TuningResult:
        trials = self._study.records()
        out_of_time = False
        while len(trials) < self._plan.trials:
            if not self._is_time_for_another(trials):
                out_of_time = True
                break
            self._run_one()
            trials = self._study.records()
        tuning_folder.write_trials(self._folder, self._plan, trials)
        return TuningResult(self._folder, self._plan, trials, out_of_time)

    def _is_time_for_another(self, trials: tuple[TrialRecord, ...]) -> bool:
        """Check whether a trial as long as the longest complete one fits in the time left."""
        left = self._seconds_left
        longest = max((each.seconds for each in trials if each.outcome.figures), default=0.0)
        return left is None or left > longest

    def _run_one(self) -> None:
        """Run a trial, and store its outcome.

        Raises:
            ConfigError, DataError: It fails, and the cause is not in its settings.
            KeyboardInterrupt: Ctrl-C; the trial is queued again.
        """
        number, name, settings = self._study.begin_trial()
        now = TuningProgress(self._folder, self._plan, number, settings)
        try:
            self._progress(now)
            outcome = self._outcome(name, now)
        except BaseException:
            self._study.release_interrupted()
            raise
        if outcome.state == "failed" and number == 1:
            self._study.release_interrupted()
            raise DataError(f"the trial with the settings of the recipe fails: {outcome.reason}")
        self._study.end_trial(outcome, self._plan.objective)
        trials = self._study.records()
        tuning_folder.write_trials(self._folder, self._plan, trials)
        best = best_of(trials, self._plan.objective)
        self._remove_checkpoints(trials, best)
        self._report(now, ended=trials[-1], best=best)
        self._failures = self._failures + 1 if outcome.state == "failed" else 0
        if self._failures == _MOST_FAILURES:
            raise DataError(
                f"{_MOST_FAILURES} trials fail one after the other, the last one as follows: "
                f"{outcome.reason}; fix this, then run: emorec tune --resume {self._folder}"
            )

    def _outcome(self, name: str, now: TuningProgress) -> TrialOutcome:
        folder = self._folder / name
        try:
            config = with_settings(self._plan.config, now.settings, f"trial {now.number}")
        except ConfigError as error:
            return TrialOutcome("pruned", str(error))
        folder.mkdir(exist_ok=True)
        epochs = config.last_epoch
        first = now.number == 1

        def end_of_epoch(epoch: int, value: float, left: float | None) -> str:
            prune = self._study.report(epoch, value)
            if first or epoch == epochs:
                return ""
            if prune:
                return f"{_WORSE}, after epoch {epoch}"
            time_left = self._seconds_left
            if time_left is not None and left is not None and left > _LATE * time_left:
                return f"{OUT_OF_TIME} after epoch {epoch}"
            return ""

        def estimate(seconds: float) -> None:
            if not first:
                return
            time_left = self._seconds_left
            if time_left is not None and seconds > _LATE * time_left:
                raise ConfigError(
                    f"one trial takes about {seconds:.0f} s, and --time leaves {time_left:.0f} s: "
                    "raise --time, or lower --epochs, --limit or --image-size"
                )
            self._report(now, trial_seconds=seconds)

        receivers = TrialReceivers(
            end_of_epoch,
            lambda epoch, epochs, batch, batches: self._report(
                now, epoch=epoch, epochs=epochs, batch=batch, batches=batches
            ),
            lambda step: self._report(now, step=step),
            estimate,
        )
        job = {
            "config": config.model_dump(mode="json"),
            "data": str(self._plan.data),
            "folder": str(folder),
            "objective": self._plan.objective,
        }
        # The first trial, without which there is nothing to compare with, is never cut off.
        left = self._seconds_left
        return self._run_trial(job, receivers, None if first or left is None else max(left, 1.0))

    def _remove_checkpoints(
        self, trials: tuple[TrialRecord, ...], best: TrialRecord | None
    ) -> None:
        """Keep only the weights of the best trial."""
        for trial in trials:
            if best is None or trial.folder != best.folder:
                checkpoints = self._folder / trial.folder / run_folder.CHECKPOINT.parent
                shutil.rmtree(checkpoints, ignore_errors=True)

    def _report(self, now: TuningProgress, **changes: Any) -> None:
        self._progress(replace(now, **changes))

    def write_report(self) -> None:
        """Write the page of the trials so far, if there are any."""
        trials = self._study.records()
        if trials:
            page = render_tuning(self._plan, trials, self._study.importances())
            write_bytes(self._folder / tuning_folder.REPORT, page.encode())
