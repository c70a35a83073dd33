"""Owns a training run: begin, resume, fit, finish."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import keras
import numpy.typing as npt

from emorec.datasets.manifest import PreparedDataset
from emorec.errors import DataError
from emorec.modeling.architectures import architecture
from emorec.training import balance, run_folder
from emorec.training.callbacks import (
    LetInterruptsThrough,
    LossError,
    Observe,
    ReportProgress,
    RunCheckpoint,
    StopOnNaN,
)
from emorec.training.checkpoint import History, RunState, assign, restore
from emorec.training.config import TrainConfig
from emorec.training.distillation import distilled_targets
from emorec.training.distribution import ALONE, World, check_distribution, connected
from emorec.training.ema import ValidateWithEma
from emorec.training.estimate import Estimate, evaluation_factor
from emorec.training.fast_layers import trains_on_cpu
from emorec.training.finish import RunResult, finish
from emorec.training.fitting import (
    Fitting,
    batch_settings,
    compile_stage,
    fit_epochs,
    make_fitting,
    stage_work,
)
from emorec.training.initial_model import kept_head
from emorec.training.onednn import configure_onednn
from emorec.training.padded_validation import BATCH
from emorec.training.precision import resolve_precision
from emorec.training.run_data import (
    USUAL,
    DataUse,
    RunData,
    load,
    open_dataset,
    select,
)
from emorec.training.run_model import build
from emorec.training.run_start import checkpointed_state, log_notes, reopen, resolved
from emorec.training.run_timer import RunTimer
from emorec.training.shortening import Shortening, shortenings
from emorec.training.stages import Stage, is_done, stages_of
from emorec.training.training_progress import ProgressOptions

_log = logging.getLogger(__name__)

_NO_PROGRESS = ProgressOptions()


class TrainingRun:
    """A run with everything that it works on.

    Attributes:
        config: Settings of the run, with the resolved precision and labels, and absolute paths of
            models.
        dataset: The data set.
        data: Examples and images of the run.
        head: The rows of the head that the initial weights have; None if they have no labels.
        model: The classifier.
        state: State to resume from; None for a run from the start.
        world: The processes that train together.
        options: Receivers of the progress.
        timer: Measures the run from its beginning.
        recorders: Further callbacks, which see each epoch before the checkpoint does.
        observers: Called with the history after each epoch, whose checkpoint is written then.
    """

    def __init__(
        self,
        config: TrainConfig,
        dataset: PreparedDataset,
        options: ProgressOptions = _NO_PROGRESS,
        world: World = ALONE,
        state: RunState | None = None,
        use: DataUse = USUAL,
    ):
        """Select the examples, build the model and decode the images.

        Args:
            config: Settings of the run.
            dataset: The data set.
            options: Receivers of the progress.
            world: The processes that train together.
            state: State to resume from; None for a run from the start.
            use: How the run uses the images.

        Raises:
            ConfigError, DataError, ModelError: The settings, the data or a model file is invalid.
        """
        self.timer = RunTimer(self._report_estimate)
        check_distribution(config.batch_size, config.feature_cache, world)
        config = resolved(config, dataset)
        examples, validation = select(config, dataset, use.held_out)
        self.head = kept_head(config, examples.class_names)
        model = build(config, examples.class_names, config.seed, world)
        if config.teacher or config.teacher_probabilities:
            file = config.teacher_probabilities
            targets = distilled_targets(
                examples,
                [Path(teacher) for teacher in config.teacher],
                config.teacher_weight,
                probabilities=Path(file) if file else None,
                progress=options.step_progress,
            )
            examples = replace(examples, targets=targets)
        if config.logit_adjustment:
            model = balance.with_adjusted_logits(model, examples.targets, config.logit_adjustment)
        size = model.input_shape[1]
        self.data = load(examples, validation, size, progress=options.step_progress, use=use)
        self.config, self.dataset, self.model = config, dataset, model
        self.options, self.world, self.state = options, world, state
        self.recorders: list[keras.callbacks.Callback] = []
        self.observers: list[Callable[[History], None]] = []

    @classmethod
    def begin(
        cls,
        config: TrainConfig,
        data_root: Path,
        options: ProgressOptions = _NO_PROGRESS,
        world: World = ALONE,
    ) -> Self:
        """Prepare a new run."""
        return cls(config, open_dataset(config, data_root), options, world)

    @classmethod
    def resume(
        cls,
        folder: Path,
        data_root: Path | None = None,
        options: ProgressOptions = _NO_PROGRESS,
        world: World = ALONE,
    ) -> Self:
        """Prepare an interrupted run from its folder.

        Raises:
            ConfigError: The run uses another backend.
            DataError: The folder is no run folder, the data set differs, or the checkpoint is
                damaged.
        """
        config, dataset = reopen(folder, data_root)
        return cls(config, dataset, options, world, checkpointed_state(folder))

    def complete(self, folder: Path) -> RunResult:
        """Fit the model and write the files of the run, also after an interruption.

        Args:
            folder: The run folder.

        Raises:
            LossError: The loss is not finite; the model of the best epoch before is written.
            KeyboardInterrupt: Ctrl-C before the end of the first epoch.
        """
        interrupted, failure = False, None
        with run_folder.logging_to(folder / run_folder.LOG):
            if self.head:
                _log.info("%s", self.head.to_text())
            log_notes(self.dataset)
            if setting := configure_onednn(self.config.arch):
                _log.info("%s", setting)
            try:
                try:
                    self.fit(folder)
                except (KeyboardInterrupt, LossError) as error:
                    if not run_folder.holds_weights(folder):
                        raise
                    interrupted = True
                    failure = error if isinstance(error, LossError) else None
                result = self.finish(folder, interrupted)
            except DataError as error:
                if not run_folder.holds_weights(folder):
                    raise
                raise DataError(
                    f"{error}; fix this, then run: emorec train --resume {folder}"
                ) from error
        if failure:
            raise LossError(f"{failure}; {folder} keeps the model of epoch {result.best_epoch}")
        return result

    def fit(self, folder: Path | None = None) -> None:
        """Train all stages that are not done.

        Args:
            folder: The run folder; None where another process writes it.
        """
        checkpoint = RunCheckpoint(folder, self.model, self.state)
        stages = self.begin_stages()
        with connected(self.world):
            for stage in stages:
                self._fit_stage(stage, folder, checkpoint)
        _log.info("best epoch %d", checkpoint.best_epoch)

    def shortenings(self, estimate: Estimate) -> tuple[Shortening, ...]:
        """List what would shorten the run, of which the timer has made an estimate."""
        minimum = architecture(self.config.arch).minimum_size
        return shortenings(
            estimate,
            self.timer.works,
            self.config,
            minimum,
            on_cpu=trains_on_cpu(),
            has_bfloat16=resolve_precision("auto") == "bfloat16",
        )

    def finish(
        self, folder: Path, interrupted: bool = False, logits: npt.NDArray[Any] | None = None
    ) -> RunResult:
        """Write the models, figures and metrics of the best epoch; see `emorec.training.finish`."""
        progress = self.options.step_progress
        return finish(folder, self.config, self.data, interrupted, progress, logits)

    def begin_stages(self) -> list[Stage]:
        """List the stages that are not done, and tell the timer their work."""
        history = self.state.history if self.state else []
        stages = [
            stage
            for stage in stages_of(self.config, self.config.trainable_layers)
            if not (history and is_done(stage, history))
        ]
        works = [stage_work(stage, self.model, self.data, len(history)) for stage in stages]
        factor = evaluation_factor(self.config.precision, self.config.flip_average)
        self.timer.begin_run(works, factor)
        return stages

    def prepare(self, stage: Stage, done: int, sample: RunData | None = None) -> Fitting:
        """Freeze the layers of a stage, compute its features, and compile its model.

        Args:
            stage: The stage.
            done: Number of epochs of the run that are done.
            sample: A part of the data, to fit that alone.
        """
        data, size = self.data, self.config.batch_size
        work = stage_work(stage, self.model, data, done)
        steps = -(-work.train_images // size)
        self.timer.begin_stage(work, steps, -(-work.validation_images // BATCH))
        fitting = make_fitting(
            self.config,
            self.model,
            data,
            batch_settings(self.config, self.dataset, self.data),
            self.world,
            progress=self.timer.feature_progress(
                self.options.step_progress, self.config.feature_views
            ),
            sample=sample,
        )
        compile_stage(self.config, stage, fitting, self.model, self.world)
        return fitting

    def _report_estimate(self, estimate: Estimate) -> None:
        seconds = estimate.seconds, estimate.stages[0].epoch_seconds
        _log.info("estimate: %.0f s in all, %.1f s an epoch", *seconds)
        if self.options.estimate:
            self.options.estimate(estimate, self.shortenings(estimate))

    def _fit_stage(self, stage: Stage, folder: Path | None, checkpoint: RunCheckpoint) -> None:
        done = len(checkpoint.history)
        fitting = self.prepare(stage, done)
        self._restore(stage, fitting.model, checkpoint, (folder or Path()) / run_folder.CHECKPOINT)
        checkpoint.begin(stage)
        callbacks = self._callbacks(folder, checkpoint, len(fitting.batches))
        if self.options.step_progress:
            self.options.step_progress("compiling the training step", 0, 1)
        fit_epochs(self.config, fitting, done, stage.end, callbacks, self.world)

    def _restore(
        self, stage: Stage, model: keras.Model, checkpoint: RunCheckpoint, source: Path
    ) -> None:
        """Set the weights and the optimizer from which a stage continues."""
        done = len(checkpoint.history)
        if self.state and self.state.epoch == done:
            # A stage starts with a new optimizer.
            optimizer = done > stage.begin
            restore(self.model, model, self.state, source, optimizer=optimizer)
            _log.info("resuming after epoch %d", done)
        if done and done == stage.begin:
            # After a stage Keras replaces the weights by their EMA; checkpoints do not hold that,
            # so the best weights are restored.
            assign(self.model.weights, checkpoint.best, source)

    def _callbacks(
        self, folder: Path | None, checkpoint: RunCheckpoint, batches: int
    ) -> list[keras.callbacks.Callback]:
        # The check of the loss precedes the checkpoint.
        callbacks = [StopOnNaN(), ValidateWithEma(), *self.recorders, checkpoint]
        callbacks += [LetInterruptsThrough(), self.timer]
        if self.options.progress:
            epochs = self.config.last_epoch
            callbacks.append(
                ReportProgress(self.options.progress, epochs, batches, checkpoint, self.timer)
            )
        if self.options.tensorboard and folder:
            from emorec.training.tensorboard_log import WriteTensorBoard

            logs = folder / run_folder.TENSORBOARD
            callbacks.append(WriteTensorBoard(logs, checkpoint.history))
        if self.observers:
            callbacks.append(Observe(self.observers, checkpoint.history))
        return callbacks
