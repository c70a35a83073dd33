"""Trains a model from a configuration and a prepared data set."""

import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import keras

from emorec.datasets.manifest import read_prepared
from emorec.files import write_bytes, write_json
from emorec.training import run_folder
from emorec.training.averaging import ValidateAverages
from emorec.training.callbacks import KeepBest, Progress, ReportProgress, StopOnNaN, WriteHistory
from emorec.training.config import TrainConfig
from emorec.training.data import AugmentedBatches, Treatment
from emorec.training.finish import Outcome, finish
from emorec.training.optimizer import make_optimizer
from emorec.training.setup import Datasets, build, draws_labels, load, select
from emorec.training.teacher import Report, with_teachers

_log = logging.getLogger(__name__)


def train(
    config: TrainConfig,
    data_root: Path,
    runs: Path,
    report: Callable[[Progress], None] | None = None,
    preparing: Report | None = None,
) -> Outcome:
    """Train, and leave a run folder with the model of the best epoch.

    The model is chosen by its accuracy on the validation split, which is scored by the majority
    of the votes where there are votes (the FER+ protocol) whatever the training labels are.

    Args:
        config: Settings of the run.
        data_root: A prepared data set or a FER-2013 folder tree.
        runs: Folder in which the run folder is made.
        report: Told the progress after every batch.
        preparing: Told the progress of long work before the training.

    Returns:
        The run folder and what its model reached.

    Raises:
        ConfigError, DataError, ModelError: The settings, the data or the weights are wrong.
        KeyboardInterrupt: Ctrl-C came before the first epoch had ended; no folder is left. Later
            it ends the training, and the outcome is that of the best epoch so far.
    """
    data = read_prepared(data_root)
    train_examples, validation = select(config, data)
    model = build(config, len(train_examples.class_names))
    if config.teacher:
        targets = with_teachers(train_examples, config.teacher, config.teacher_weight, preparing)
        train_examples = replace(train_examples, targets=targets)
    datasets = load(train_examples, validation, model.input_shape[1])
    folder = run_folder.create(runs, config.arch)
    with run_folder.logging_to(folder / run_folder.LOG):
        write_bytes(folder / run_folder.CONFIG, config.to_yaml().encode())
        write_json(folder / run_folder.ENVIRONMENT, run_folder.environment(data, config.seed))
        try:
            _fit(model, config, datasets, draws_labels(config, data), folder, report)
            interrupted = False
        except BaseException as error:
            usable = (folder / run_folder.HISTORY).exists()
            if not usable:
                shutil.rmtree(folder)
            if not (usable and isinstance(error, KeyboardInterrupt)):
                raise
            interrupted = True
        return finish(folder, config, datasets, interrupted)


def _fit(
    model: keras.Model,
    config: TrainConfig,
    datasets: Datasets,
    draw_labels: bool,
    folder: Path,
    report: Callable[[Progress], None] | None,
) -> None:
    batches = AugmentedBatches(
        datasets.train_images,
        datasets.train.targets,
        config.batch_size,
        config.augmentation,
        config.seed,
        Treatment(
            mixup=config.mixup,
            cutmix=config.cutmix,
            calm_from=config.epochs - config.calm_epochs,
            label_smoothing=config.label_smoothing,
            draw_labels=draw_labels,
        ),
    )
    model.compile(
        optimizer=make_optimizer(config, model, config.epochs, len(batches)),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    best = KeepBest(folder / run_folder.BEST_WEIGHTS)
    callbacks: list[Any] = [
        StopOnNaN(),
        ValidateAverages(),
        # The weights come first: where there is a history, there are weights.
        best,
        WriteHistory(folder / run_folder.HISTORY),
        keras.callbacks.EarlyStopping("val_accuracy", mode="max", patience=config.patience),
    ]
    if report:
        callbacks.append(ReportProgress(report, len(batches)))
    # The warps are tiny: threads of OpenCV's own would only take turns with the backend's.
    cv2.setNumThreads(1)
    model.fit(
        batches,
        validation_data=(datasets.validation_images, datasets.validation.targets),
        validation_batch_size=256,
        epochs=config.epochs,
        callbacks=callbacks,
        verbose=0,
    )
    _log.info("best epoch %d: validation accuracy %.4f", best.best_epoch, best.best)
