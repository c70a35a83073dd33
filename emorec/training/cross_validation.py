"""Owns a cross-validation: one run for each fold, their figures, and a model of all images."""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emorec.atomic_files import write_bytes, write_json
from emorec.datasets.manifest import PreparedDataset
from emorec.datasets.readers.rows import TRAIN
from emorec.errors import DataError
from emorec.evaluation.cross_validation_report import render_cross_validation
from emorec.evaluation.fold_scores import CrossValidation, cross_validation
from emorec.evaluation.report import OUT_OF_FOLD
from emorec.models.files import ENVIRONMENT, FINAL, PREDICTIONS
from emorec.training import fold_folder, run_folder
from emorec.training.callbacks import LossError
from emorec.training.checkpoint import History
from emorec.training.config import TrainConfig
from emorec.training.finish import assess_logits
from emorec.training.fold_data import fold_dataset, plan_folds
from emorec.training.fold_folder import FoldPlan
from emorec.training.fold_predictions import RecordLogits, read_logits
from emorec.training.fold_progress import CrossValidationCallback, PartReporter
from emorec.training.onednn import configure_onednn
from emorec.training.pooled_predictions import (
    PooledPredictions,
    count_correct,
    pool,
    predictions_csv,
)
from emorec.training.run import TrainingRun
from emorec.training.run_data import (
    DataUse,
    SharedImages,
    knows_people,
    open_dataset,
    people_note,
)
from emorec.training.run_start import checkpointed_state, reopen, resolved
from emorec.training.run_tracking import tracked, tracked_before
from emorec.training.training_progress import StepProgressCallback

_log = logging.getLogger(__name__)

_TRACKED = (
    run_folder.CONFIG,
    ENVIRONMENT,
    run_folder.METRICS,
    f"{FINAL}/{run_folder.MODEL_KERAS}",
    f"{FINAL}/{run_folder.MODEL_ONNX}",
)
"""Files that are tracked; not those that name or show the images of people."""


@dataclass(frozen=True)
class CrossValidationResult:
    """Result of a cross-validation.

    Attributes:
        folder: Its folder, which is also a model: the final one.
        figures: The figures of the predictions for the images that each fold left out.
        tracked: Where it is tracked, one line for each tracker.
    """

    folder: Path
    figures: CrossValidation
    tracked: tuple[str, ...] = ()


def cross_validate(
    config: TrainConfig,
    data_root: Path,
    runs: Path,
    folds: int | str,
    *,
    progress: CrossValidationCallback | None = None,
    step_progress: StepProgressCallback | None = None,
    tensorboard: bool = False,
    track: Sequence[str] = (),
) -> CrossValidationResult:
    """Train a model for each fold and a final one on all images, and write a folder of them.

    All labelled images of train and validation take part, and none of test. `choose_epochs`
    describes how the number of epochs is chosen without a look at the images of a fold.

    Args:
        config: Settings of the runs; there is no early stopping.
        data_root: A prepared data set or a FER-2013 folder tree.
        runs: Folder in which the folder is created.
        folds: A number of folds, or `emorec.datasets.choices.LEAVE_ONE_GROUP_OUT`.
        progress: Called after every batch and epoch, and between parts.
        step_progress: Called during the steps before and after the training of a part.
        tensorboard: Also write the metrics of each part for TensorBoard.
        track: Names of experiment trackers; the cross-validation is one tracked run.

    Raises:
        ConfigError: As for `emorec.training.fold_data.plan_folds`.
        ConfigError, DataError, ModelError: The settings, the data or a model file is invalid.
        KeyboardInterrupt: Ctrl-C. Before the end of the first epoch no folder remains; later
            `resume_cross_validation` resumes it.
    """
    dataset = open_dataset(config, data_root)
    config = resolved(config, dataset)
    plan = plan_folds(config, dataset, folds, config.seed)
    folder = fold_folder.create(runs, config, dataset, plan)
    try:
        with run_folder.in_use(folder):
            reporter = PartReporter(folder, plan, progress, step_progress, tensorboard=tensorboard)
            parts = _Parts(folder, config, dataset, plan, reporter)
            return _complete(parts, folder, config, track)
    except BaseException:
        if not fold_folder.holds_weights(folder):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def resume_cross_validation(
    folder: Path,
    data_root: Path | None = None,
    *,
    progress: CrossValidationCallback | None = None,
    step_progress: StepProgressCallback | None = None,
    tensorboard: bool = False,
    track: Sequence[str] = (),
) -> CrossValidationResult | None:
    """Resume an interrupted cross-validation after the last whole epoch of its current part.

    The result is that of a cross-validation without the interruption.

    Args:
        folder: Its folder.
        data_root: The data set, if it was moved; None for its original path.
        progress: As for `cross_validate`.
        step_progress: As for `cross_validate`.
        tensorboard: As for `cross_validate`; a cross-validation that has begun to continues.
        track: As for `cross_validate`; those that track it already go on.

    Returns:
        The result; None if it was finished before.

    Raises:
        ConfigError, DataError, ModelError: As for `cross_validate`; or the data set differs, a file
            of the folder is damaged, or another process uses it. The folder keeps its files.
    """
    tensorboard = tensorboard or any(folder.glob(f"fold-*/{run_folder.TENSORBOARD}"))
    if fold_folder.finished(folder):
        return None
    with run_folder.in_use(folder):
        if fold_folder.finished(folder):  # by another process, just before
            return None
        config, dataset = reopen(folder, data_root)
        plan = fold_folder.read_plan(folder)
        reporter = PartReporter(folder, plan, progress, step_progress, tensorboard=tensorboard)
        parts = _Parts(folder, config, dataset, plan, reporter)
        return _complete(parts, folder, config, (*tracked_before(folder), *track))


def _complete(
    parts: "_Parts", folder: Path, config: TrainConfig, track: Sequence[str]
) -> CrossValidationResult:
    """Complete a cross-validation; its trackers receive the curves of the folds at the end."""
    with tracked(folder, config, track) as tracking:
        result = parts.complete()
        tracking.log_epochs(_fold_history(result.figures.accuracies))
        tracking.finish("finished", _TRACKED)
    return replace(result, tracked=tracking.places)


def _fold_history(accuracies: npt.NDArray[np.float64]) -> History:
    """Return the accuracies of the folds, shape (folds, epochs), and their means by epoch."""
    return [
        {
            "epoch": epoch,
            "accuracy": float(column.mean()),
            **{f"accuracy_fold_{fold:02}": float(value) for fold, value in enumerate(column, 1)},
        }
        for epoch, column in enumerate(accuracies.T, 1)
    ]


class _Parts:
    """The runs of a cross-validation, of which the last one is that of the final model."""

    def __init__(
        self,
        folder: Path,
        config: TrainConfig,
        dataset: PreparedDataset,
        plan: FoldPlan,
        reporter: PartReporter,
    ):
        self._folder, self._dataset, self._plan = folder, dataset, plan
        self._reporter = reporter
        # The images are limited already.
        self._config = config.model_copy(update={"limit": None})
        self._everything = fold_dataset(dataset, plan, None)
        self._images = SharedImages([dataset.root / path for path in self._everything.paths])

    def complete(self) -> CrossValidationResult:
        for note in self._dataset.notes:
            _log.warning("%s: %s", self._dataset.root, note)
        if not knows_people(self._everything):
            level, text = people_note(self._everything)
            _log.log(level, "%s: %s", self._dataset.root, text)
        try:
            for fold in range(self._plan.count):
                self._complete_fold(fold)
            return self._complete_final()
        except DataError as error:
            if not fold_folder.holds_weights(self._folder):
                raise
            raise DataError(
                f"{error}; fix this, then run: emorec train --resume {self._folder}"
            ) from error

    def _complete_fold(self, fold: int) -> None:
        folder = fold_folder.fold_folder(self._folder, fold)
        if run_folder.finished(folder):
            return
        dataset = fold_dataset(self._dataset, self._plan, fold)
        use = DataUse(validates=False, read_images=self._images)
        run = self._begin(folder, self._config, dataset, use, fold + 1)
        data = run.data
        run.recorders.append(RecordLogits(folder, run.config, run.model, data.validation_images))
        self._fit(run, folder)
        logits = read_logits(folder, run.config.last_epoch, *data.validation.targets.shape)
        accuracies = count_correct(logits, data.validation) / len(data.validation.paths)
        write_json(
            folder / run_folder.METRICS,
            {
                "split": f"fold {fold + 1}",
                "images": len(data.validation.paths),
                "epochs": run.config.last_epoch,
                "accuracy_by_epoch": accuracies.tolist(),
            },
        )
        shutil.rmtree((folder / run_folder.CHECKPOINT).parent)
        self._reporter.end(float(accuracies[-1]), whole=run.state is None)

    def _complete_final(self) -> CrossValidationResult:
        folder = self._folder / FINAL
        pooled = pool(self._folder, self._config, self._dataset, self._plan)
        name = run_folder.model_name(self._folder, self._config)
        changes = {"stop_after": pooled.choice.final, "model_name": name}
        config = self._config.model_copy(update=changes)
        use = DataUse(TRAIN, validates=False, read_images=self._images)
        run = self._begin(folder, config, self._everything, use, self._plan.count + 1)
        figures = self._write_figures(run, pooled)
        self._fit(run, folder)
        run.finish(folder, logits=pooled.logits)
        return CrossValidationResult(self._folder, figures)

    def _begin(
        self, folder: Path, config: TrainConfig, dataset: PreparedDataset, use: DataUse, part: int
    ) -> TrainingRun:
        """Prepare the run of a part, from its checkpoint if there is one."""
        options = self._reporter.begin(part)
        run_folder.clean(folder)
        run = TrainingRun(config, dataset, options, state=checkpointed_state(folder), use=use)
        if not (folder / run_folder.CONFIG).exists():
            run_folder.describe(folder, run.config, dataset)
        return run

    def _fit(self, run: TrainingRun, folder: Path) -> None:
        """Train the run of a part."""
        with run_folder.logging_to(folder / run_folder.LOG):
            if setting := configure_onednn(self._config.arch):
                _log.info("%s", setting)
            try:
                run.fit(folder)
            except LossError as error:
                raise LossError(f"{self._reporter.title}: {error}") from error

    def _write_figures(self, run: TrainingRun, pooled: PooledPredictions) -> CrossValidation:
        """Write the predictions, the metrics and the page."""
        evaluation = assess_logits(self._folder / FINAL, run.config, run.data, pooled.logits)
        figures = cross_validation(
            evaluation, pooled.fold_of_image, pooled.choice, pooled.accuracies
        )
        predictions = predictions_csv(figures, self._dataset.root)
        write_bytes(self._folder / PREDICTIONS, predictions.encode())
        plan = self._plan.summary()
        metrics = {"split": OUT_OF_FOLD, "cross_validation": plan, **figures.to_dict()}
        write_json(self._folder / run_folder.METRICS, metrics)
        page = render_cross_validation(
            figures,
            run.config.training_data or self._dataset.root.resolve().name,
            self._plan.method,
            settings=self._config.to_yaml(),
        )
        write_bytes(self._folder / fold_folder.PAGE, page.encode())
        return figures
