"""Trains and resumes runs, in one process or together with others."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from emorec.training import run_folder
from emorec.training.config import TrainConfig
from emorec.training.distribution import ALONE, World
from emorec.training.finish import RunResult
from emorec.training.run import TrainingRun
from emorec.training.run_tracking import FILES, tracked, tracked_before
from emorec.training.training_progress import (
    EstimateCallback,
    ProgressOptions,
    StepProgressCallback,
    TrainingProgressCallback,
)


def train(
    config: TrainConfig,
    data_root: Path,
    runs: Path,
    *,
    progress: TrainingProgressCallback | None = None,
    step_progress: StepProgressCallback | None = None,
    estimate: EstimateCallback | None = None,
    tensorboard: bool = False,
    track: Sequence[str] = (),
    world: World = ALONE,
) -> RunResult:
    """Train a model, and write a run folder with the model of the best epoch.

    The best epoch is the one with the highest accuracy on the validation split, whose labels are
    the majority of the votes where there are votes (the FER+ protocol).

    Args:
        config: Settings of the run.
        data_root: A prepared data set or a FER-2013 folder tree.
        runs: Folder in which the run folder is created.
        progress: Called after every batch and every epoch.
        step_progress: Called during the steps before and after the training.
        estimate: Called with the estimated duration after the first steps, and again where it has
            changed much.
        tensorboard: Also write the metrics for TensorBoard into the run folder.
        track: Names of experiment trackers, see `emorec.training.tracked_run.TRACKERS`.
        world: The processes that train together; this process is the first of them.

    Returns:
        The run folder and the metrics of its model.

    Raises:
        ConfigError, DataError, ModelError: The settings, the data or a model file is invalid.
        KeyboardInterrupt: Ctrl-C before the end of the first epoch; no folder remains. A later
            Ctrl-C ends the training, and the result is that of the best epoch so far.
    """
    options = ProgressOptions(progress, step_progress, tensorboard, estimate, tuple(track))
    run = TrainingRun.begin(config, data_root, options, world)
    folder = run_folder.create(runs, run.config, run.dataset)
    with run_folder.removed_without_weights(folder), run_folder.in_use(folder):
        return _complete(run, folder, track)


def resume(
    folder: Path,
    data_root: Path | None = None,
    *,
    progress: TrainingProgressCallback | None = None,
    step_progress: StepProgressCallback | None = None,
    estimate: EstimateCallback | None = None,
    tensorboard: bool = False,
    track: Sequence[str] = (),
    world: World = ALONE,
) -> RunResult | None:
    """Resume an interrupted run after its last whole epoch, with its settings and history.

    The result is that of a run without the interruption.

    Args:
        folder: The run folder.
        data_root: The data set, if it was moved; None for its original path.
        progress: Called after every batch and every epoch.
        step_progress: Called during the steps before and after the training.
        estimate: Called with the estimated duration after the first steps, and again where it has
            changed much.
        tensorboard: Also write the metrics for TensorBoard; a run that has begun to continues.
        track: Names of experiment trackers; those that track the run already go on.
        world: The processes that train together; this process is the first of them.

    Returns:
        The result of the run; None if it was finished before.

    Raises:
        ConfigError, DataError, ModelError: As for `train`; or the folder is no run folder, the
            data set differs, the checkpoint is damaged, or another process trains this run. The
            folder keeps its files.
        KeyboardInterrupt: Ctrl-C before the end of the first epoch.
    """
    tensorboard = tensorboard or (folder / run_folder.TENSORBOARD).is_dir()
    options = ProgressOptions(progress, step_progress, tensorboard, estimate, tuple(track))
    if run_folder.finished(folder):
        return None
    with run_folder.in_use(folder):
        if run_folder.finished(folder):  # by another process, just before
            return None
        run = TrainingRun.resume(folder, data_root, options, world)
        run_folder.clean(folder)
        return _complete(run, folder, (*tracked_before(folder), *track))


def _complete(run: TrainingRun, folder: Path, track: Sequence[str]) -> RunResult:
    """Fit the model and write the files of a run, with its trackers."""
    with tracked(folder, run.config, track) as tracking:
        run.observers.append(tracking.log_epochs)
        result = run.complete(folder)
        tracking.finish("killed" if result.interrupted else "finished", FILES)
    return replace(result, tracked=tracking.places)


def train_as_worker(config: TrainConfig, data_root: Path, world: World) -> None:
    """Train together with the first process, which alone writes the run folder.

    Args:
        config: Settings of the run; the same as those of the first process.
        data_root: The same data set; this process trains on its part of each batch.
        world: The processes that train together; this process is not the first of them.

    Raises:
        ConfigError, DataError, ModelError: As for `train`.
        EmorecError: The connection to another process is lost.
    """
    TrainingRun.begin(config, data_root, world=world).fit()


def resume_as_worker(folder: Path, data_root: Path | None, world: World) -> None:
    """Resume together with the first process; all processes share the disk of the run folder.

    Raises:
        ConfigError, DataError, ModelError: As for `resume`.
        EmorecError: The connection to another process is lost.
    """
    if not run_folder.finished(folder):
        TrainingRun.resume(folder, data_root, world=world).fit()
