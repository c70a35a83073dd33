"""Trains a model from a configuration and a prepared data set."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import keras

from emorec.datasets.loading import load_images
from emorec.datasets.manifest import Examples, PreparedData, read_prepared
from emorec.errors import ConfigError
from emorec.files import write_bytes, write_json
from emorec.images import Image
from emorec.modeling.build import build_classifier
from emorec.training import run_folder
from emorec.training.callbacks import KeepBest, Progress, ReportProgress, StopOnNaN, WriteHistory
from emorec.training.config import TrainConfig
from emorec.training.data import AugmentedBatches

INTERPOLATION = "area"
COLOR = "gray"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Datasets:
    """Decoded images and targets of a run; images are uint8, (n, size, size, channels)."""

    train: Examples
    train_images: Image
    validation: Examples
    validation_images: Image


def fit(
    config: TrainConfig,
    data_root: Path,
    runs: Path,
    report: Callable[[Progress], None] | None = None,
    started: Callable[[Path], None] | None = None,
) -> tuple[Path, Datasets]:
    """Train, and leave the best weights, the history and the settings in a new run folder.

    The model is chosen by its accuracy on the validation split, which is scored by the majority
    of the votes where there are votes (the FER+ protocol) whatever the training labels are.

    Args:
        config: Settings of the run.
        data_root: A prepared data set or a FER-2013 folder tree.
        runs: Folder in which the run folder is made.
        report: Told the progress after every batch.
        started: Told the run folder once it exists.

    Returns:
        The run folder and the data, for scoring. Ctrl-C ends the training early, keeps what was
        reached and passes on once the files are written.

    Raises:
        ConfigError, DataError, ModelError: The settings, the data or the weights are wrong;
            nothing is left behind if training had not begun.
    """
    data = read_prepared(data_root)
    train, validation = select(config, data)
    keras.utils.set_random_seed(config.seed)
    model = build(config, len(train.class_names), config.precision)
    size = model.input_shape[1]
    datasets = Datasets(
        train,
        load_images(train.paths, size, COLOR, INTERPOLATION),
        validation,
        load_images(validation.paths, size, COLOR, INTERPOLATION),
    )
    folder = run_folder.create(runs, config.arch)
    if started:
        started(folder)
    write_bytes(folder / run_folder.CONFIG, config.to_yaml().encode())
    write_json(folder / run_folder.ENVIRONMENT, run_folder.environment(data, config.seed))
    _fit(model, config, datasets, folder, report)
    return folder, datasets


def select(config: TrainConfig, data: PreparedData) -> tuple[Examples, Examples]:
    """Choose the training and the validation examples that a configuration asks for."""
    soft = config.labels == "soft"
    train = data.examples("train", config.policy, config.classes, soft)
    scoring = None if data.votes is None else "majority"
    validation = data.examples("validation", scoring, config.classes)
    return train.limited(config.limit), validation.limited(config.limit)


def build(config: TrainConfig, classes: int, precision: str = "float32") -> keras.Model:
    """Build the model of a configuration."""
    return build_classifier(
        config.arch,
        classes,
        image_size=config.image_size,
        color=COLOR,
        weights=config.weights,
        trainable_layers=config.trainable_layers,
        dropout=config.dropout,
        precision=precision,
    )


def _fit(
    model: keras.Model,
    config: TrainConfig,
    datasets: Datasets,
    folder: Path,
    report: Callable[[Progress], None] | None,
) -> None:
    batches = AugmentedBatches(
        datasets.train_images,
        datasets.train.targets,
        config.batch_size,
        config.augmentation,
        config.seed,
        draw_labels=config.policy == "probability" and config.labels == "hard",
    )
    model.compile(
        optimizer=_optimizer(config, len(batches)),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    best = KeepBest(folder / run_folder.BEST_WEIGHTS)
    callbacks: list[Any] = [
        StopOnNaN(),
        WriteHistory(folder / run_folder.HISTORY),
        best,
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


def _optimizer(config: TrainConfig, batches: int) -> keras.optimizers.Optimizer:
    warmup = round(config.warmup_epochs * batches)
    total = config.epochs * batches
    if warmup >= total:
        raise ConfigError(
            f"warmup_epochs must be below epochs; received {config.warmup_epochs} of "
            f"{config.epochs}"
        )
    rate: Any = config.learning_rate
    if config.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else config.learning_rate,
            total - warmup,
            warmup_target=config.learning_rate if warmup else None,
            warmup_steps=warmup,
        )
    elif warmup:
        rate = keras.optimizers.schedules.PolynomialDecay(0.0, warmup, config.learning_rate)
    optimizer = keras.optimizers.SGD(
        rate,
        momentum=config.momentum,
        nesterov=config.nesterov,
        weight_decay=config.weight_decay or None,
    )
    if config.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
