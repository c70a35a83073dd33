"""Trains a model from a configuration and a prepared data set."""

import importlib
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import keras

from emorec.datasets.manifest import PreparedDataset, read_prepared
from emorec.errors import ConfigError, DataError
from emorec.interrupts import hold_interrupts
from emorec.labels import Targets
from emorec.training import balance, run_folder
from emorec.training.batches import BatchSettings
from emorec.training.callbacks import (
    KeepRun,
    LetInterruptsThrough,
    LossError,
    ReportProgress,
    StopOnNaN,
    TrainingProgress,
)
from emorec.training.checkpoint import State, assign, read_state, restore
from emorec.training.config import TrainConfig
from emorec.training.distillation import StepProgressCallback, distilled_targets
from emorec.training.distribution import ALONE, World, check, together
from emorec.training.ema import ValidateWithEma
from emorec.training.fast_layers import fast_layers
from emorec.training.features import make_fitting
from emorec.training.finish import RunResult, finish
from emorec.training.norm_statistics import StatisticsOfEpoch
from emorec.training.optimizer import make_optimizer
from emorec.training.padded_validation import BATCH, validation_data
from emorec.training.setup import (
    RunData,
    build,
    draws_labels,
    load,
    partner,
    resolve_precision,
    select,
)
from emorec.training.stages import Stage, free_layers, is_done, stages_of

_log = logging.getLogger(__name__)


def train(
    config: TrainConfig,
    data_root: Path,
    runs: Path,
    report: Callable[[TrainingProgress], None] | None = None,
    preparing: StepProgressCallback | None = None,
    tensorboard: bool = False,
    world: World = ALONE,
) -> RunResult:
    """Train, and leave a run folder with the model of the best epoch.

    The model is chosen by its accuracy on the validation split, which is scored by the majority
    of the votes where there are votes (the FER+ protocol) whatever the training labels are.

    Args:
        config: Settings of the run.
        data_root: A prepared data set or a FER-2013 folder tree.
        runs: Folder in which the run folder is made.
        report: Told the progress after every batch.
        preparing: Told the progress of long work before and after the training.
        tensorboard: Write the figures for TensorBoard too, into the run folder.
        world: Who trains together; this process is the first of it.

    Returns:
        The run folder and what its model reached.

    Raises:
        ConfigError, DataError, ModelError: The settings, the data or the weights are wrong.
        KeyboardInterrupt: Ctrl-C came before the first epoch had ended; no folder is left. Later
            it ends the training, and the outcome is that of the best epoch so far.
    """
    watch = _Watch(report, preparing, tensorboard)
    job = _training_run(config, read_prepared(data_root), world, preparing)
    folder = run_folder.create(runs, config.arch)
    try:
        run_folder.describe(folder, job.config, job.data)
        return _run(folder, job, None, watch)
    except BaseException:
        if not run_folder.holds_weights(folder):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def resume(
    folder: Path,
    data_root: Path | None = None,
    report: Callable[[TrainingProgress], None] | None = None,
    preparing: StepProgressCallback | None = None,
    tensorboard: bool = False,
    world: World = ALONE,
) -> RunResult | None:
    """Go on with a run that was stopped, as if it had not been.

    It goes on after the last epoch that had ended, with the same settings, data and history.

    Args:
        folder: The run folder.
        data_root: Where the data are now; None for where they were.
        report: Told the progress after every batch.
        preparing: Told the progress of long work before and after the training.
        tensorboard: Write the figures for TensorBoard too; a run that has begun to goes on to.
        world: Who trains together; this process is the first of it.

    Returns:
        What the run reached; None for one that was finished before.

    Raises:
        ConfigError, DataError, ModelError: As for `train`; or the folder is no run folder, the
            data are others, or the checkpoint is damaged. The folder keeps what it has.
        KeyboardInterrupt: Ctrl-C came before the first epoch had ended.
    """
    watch = _Watch(report, preparing, tensorboard or (folder / run_folder.TENSORBOARD).is_dir())
    if run_folder.finished(folder):
        return None
    job, state = _stopped(folder, data_root, world, preparing)
    run_folder.sweep(folder)
    return _run(folder, job, state, watch)


def train_as_worker(config: TrainConfig, data_root: Path, world: World) -> None:
    """Train along with the first process of a world, which alone leaves a run folder.

    Args:
        config: Settings of the run; the same as those of the first process.
        data_root: The same data set, of which only this process's part of each batch is used.
        world: Who trains together; this process is not the first of it.

    Raises:
        ConfigError, DataError, ModelError: As for `train`.
        EmorecError: Another process is gone.
    """
    _fit(_training_run(config, read_prepared(data_root), world, None), None, None, _Watch())


def resume_as_worker(folder: Path, data_root: Path | None, world: World) -> None:
    """Go on along with the first process; the run folder is on a disk that all of them see.

    Raises:
        ConfigError, DataError, ModelError: As for `resume`.
        EmorecError: Another process is gone.
    """
    if not run_folder.finished(folder):
        job, state = _stopped(folder, data_root, world, None)
        _fit(job, folder, state, _Watch())


def _stopped(
    folder: Path, data_root: Path | None, world: World, preparing: StepProgressCallback | None
) -> tuple["TrainingRun", State | None]:
    """Read the work and the state of a run that was stopped."""
    config, environment = run_folder.read(folder)
    backend = environment["keras_backend"]
    if backend != keras.backend.backend():
        raise ConfigError(
            f"{folder}: the run was begun with the backend {backend}, this is "
            f"{keras.backend.backend()}; set KERAS_BACKEND={backend}"
        )
    data = read_prepared(data_root or Path(environment["data"]))
    if run_folder.fingerprint(data) != environment["data_fingerprint"]:
        raise DataError(
            f"{data.root}: not the data that {folder} was begun with, or changed since; name the "
            "right folder with --data, or train anew"
        )
    checkpoint = folder / run_folder.CHECKPOINT
    state = read_state(checkpoint) if checkpoint.exists() else None
    return _training_run(config, data, world, preparing), state


@dataclass(frozen=True)
class _Watch:
    """Who is told how a run goes."""

    report: Callable[[TrainingProgress], None] | None = None
    preparing: StepProgressCallback | None = None
    tensorboard: bool = False

    def __post_init__(self) -> None:
        if self.tensorboard:
            # Now, before hours of work, for the package may be missing.
            importlib.import_module("tensorboard")


@dataclass(frozen=True)
class TrainingRun:
    """What a run works on."""

    config: TrainConfig
    data: PreparedDataset
    model: keras.Model
    datasets: RunData
    world: World


def _training_run(
    config: TrainConfig, data: PreparedDataset, world: World, preparing: StepProgressCallback | None
) -> TrainingRun:
    check(config, world)
    config = resolve_precision(config)
    train_examples, validation = select(config, data)
    model = build(config, len(train_examples.class_names), world)
    # Opened here for what may be wrong with it; it is needed at the end alone.
    partner(config, validation.class_names, model.input_shape)
    if config.teacher:
        targets = distilled_targets(
            train_examples, config.teacher, config.teacher_weight, preparing
        )
        train_examples = replace(train_examples, targets=targets)
    if config.logit_adjustment:
        model = balance.with_adjusted_logits(model, train_examples.targets, config.logit_adjustment)
    datasets = load(train_examples, validation, model.input_shape[1], preparing)
    return TrainingRun(config, data, model, datasets, world)


def _run(folder: Path, job: TrainingRun, state: State | None, watch: _Watch) -> RunResult:
    """Train from the beginning or from a state, and finish."""
    interrupted, failure = False, None
    with run_folder.logging_to(folder / run_folder.LOG):
        try:
            try:
                _fit(job, folder, state, watch)
            except (KeyboardInterrupt, LossError) as error:
                if not run_folder.holds_weights(folder):
                    raise
                interrupted = True
                failure = error if isinstance(error, LossError) else None
            if watch.preparing:
                watch.preparing("writing the models and figures", 0, 1)
            outcome = finish(folder, job.config, job.datasets, interrupted)
        except DataError as error:
            if not run_folder.holds_weights(folder):
                raise
            raise DataError(
                f"{error}; with that put right, go on with: emorec train --resume {folder}"
            ) from error
    if failure:
        raise LossError(f"{failure}; {folder} keeps the model of epoch {outcome.best_epoch}")
    return outcome


def _fit(job: TrainingRun, folder: Path | None, state: State | None, watch: _Watch) -> None:
    keeper = KeepRun(folder if job.world.first else None, job.model, state)
    with together(job.world):
        for stage in stages_of(job.config):
            if not (state and is_done(stage, state.history)):
                _fit_stage(stage, job, folder, keeper, state, watch)
    _log.info("best epoch %d", keeper.best_epoch)


def _fit_stage(
    stage: Stage,
    job: TrainingRun,
    folder: Path | None,
    keeper: KeepRun,
    state: State | None,
    watch: _Watch,
) -> None:
    config, datasets, world = job.config, job.datasets, job.world
    done = len(keeper.history)
    free_layers(job.model, stage)
    treatment = _treatment(config, datasets.train.targets, draws_labels(config, job.data))
    fitting = make_fitting(config, job.model, datasets, treatment, watch.preparing, world)
    model, batches = fitting.model, fitting.batches
    accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    model.compile(
        optimizer=make_optimizer(
            config, model, stage.learning_rate, stage.end - stage.begin, len(batches), job.model
        ),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        # What fills up a validation batch of several devices must weigh nothing.
        **{"weighted_metrics" if world.devices > 1 else "metrics": [accuracy]},
    )
    if state and folder and state.epoch == done:
        # A stage that begins has an optimizer of its own.
        path = folder / run_folder.CHECKPOINT
        restore(job.model, model, state, path, optimizer=done > stage.begin)
        _log.info("going on after epoch %d", done)
    if done and done == stage.begin:
        # Where Keras leaves the weights after a stage (it puts averages in) is in no checkpoint.
        assign(job.model.weights, keeper.best, Path(run_folder.CHECKPOINT))
    keeper.begin(stage)
    begin = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: batches.begin(epoch))
    # What checks the loss comes before what keeps the weights.
    callbacks: list[Any] = [begin, StopOnNaN(), StatisticsOfEpoch(), ValidateWithEma(), keeper]
    callbacks.append(LetInterruptsThrough())
    if watch.report:
        callbacks.append(ReportProgress(watch.report, config.total_epochs, len(batches), keeper))
    if watch.tensorboard and folder:
        from emorec.training.tensorboard_log import WriteTensorBoard

        callbacks.append(WriteTensorBoard(folder / run_folder.TENSORBOARD, keeper.history))
    # The warps are tiny: threads of OpenCV's own would only take turns with the backend's.
    cv2.setNumThreads(1)
    with fast_layers(model), hold_interrupts():
        model.fit(
            batches,
            shuffle=False,
            validation_data=validation_data(fitting.validation, datasets.validation.targets, world),
            validation_batch_size=BATCH,
            initial_epoch=done,
            epochs=stage.end,
            callbacks=callbacks,
            verbose=0,
        )


def _treatment(config: TrainConfig, targets: Targets, draw_labels: bool) -> BatchSettings:
    weights = balance.class_weights(targets, config.balance_strength)
    return BatchSettings(
        mixup=config.mixup,
        cutmix=config.cutmix,
        calm_from=config.total_epochs - config.calm_epochs,
        label_smoothing=config.label_smoothing,
        draw_labels=draw_labels,
        loss_weights=weights if config.balance == "weights" else None,
        sampling_weights=weights if config.balance == "sampling" else None,
    )
