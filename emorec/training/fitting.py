"""Fits the model of a run for one stage."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import cv2
import keras

from emorec.datasets.manifest import PreparedDataset
from emorec.interrupts import hold_interrupts
from emorec.labels import Targets
from emorec.modeling.architectures import architecture
from emorec.modeling.classifier_parts import backbone_of
from emorec.modeling.complexity import multiply_adds, trained_share
from emorec.modeling.finetune import set_trainable_layers
from emorec.training import balance
from emorec.training.batches import AugmentedBatches, BatchSettings
from emorec.training.config import TrainConfig
from emorec.training.config_groups import FeatureCacheConfig, ModelConfig
from emorec.training.distribution import ALONE, World
from emorec.training.estimate import StageWork
from emorec.training.fast_layers import fast_layers
from emorec.training.features import FeatureBatches, compute_features, feature_split
from emorec.training.learning_rate import learning_rate
from emorec.training.norm_statistics import EpochNormStatistics, frozen_norm_statistics
from emorec.training.optimizer import make_optimizer, rate_factors
from emorec.training.padded_validation import BATCH, validation_data
from emorec.training.run_data import RunData, draws_labels
from emorec.training.stages import Stage
from emorec.training.tf_dataset import training_dataset, validation_dataset
from emorec.training.training_progress import StepProgressCallback


@dataclass(frozen=True)
class Fitting:
    """A model to fit with its data.

    Attributes:
        model: The whole classifier, or the part of it after the frozen layers.
        batches: Training batches of the model.
        validation: Inputs of the model for the validation images; None without validation.
        validation_targets: Shape (n, classes), float32.
    """

    model: keras.Model
    batches: AugmentedBatches
    validation: Any
    validation_targets: Targets


def stage_work(stage: Stage, classifier: keras.Model, data: RunData, done: int) -> StageWork:
    """Freeze the layers of a stage, and count the work that it leaves.

    Args:
        stage: The stage.
        classifier: The classifier, whose layers are made trainable as the stage requires.
        data: Examples and images of the run.
        done: Number of epochs of the run that are done.
    """
    if stage.trainable_layers is not None:
        set_trainable_layers(backbone_of(classifier), stage.trainable_layers)
    return StageWork(
        classifier.input_shape[1],
        stage.end - max(stage.begin, done),
        len(data.train_images),
        data.images_by_epoch,
        multiply_adds(classifier),
        trained_share(classifier),
    )


def batch_settings(config: TrainConfig, dataset: PreparedDataset, data: RunData) -> BatchSettings:
    """Derive the settings of the batches of a run.

    Args:
        config: Settings of the run.
        dataset: The data set.
        data: Examples of the run; their class frequencies give the weights of the classes.
    """
    weights = balance.class_weights(data.train.targets, config.balance_strength)
    return BatchSettings(
        batch_size=config.batch_size,
        seed=config.seed,
        augmentation=config.augmentation,
        mixup=config.mixup,
        cutmix=config.cutmix,
        mix_off_from=config.total_epochs - config.mix_off_epochs,
        label_smoothing=config.label_smoothing,
        draw_labels=draws_labels(config, dataset),
        loss_weights=weights if config.balance == "weights" else None,
        sampling_weights=weights if config.balance == "sampling" else None,
    )


def make_fitting(
    config: FeatureCacheConfig,
    classifier: keras.Model,
    data: RunData,
    settings: BatchSettings,
    world: World = ALONE,
    *,
    progress: StepProgressCallback | None = None,
    sample: RunData | None = None,
) -> Fitting:
    """Choose between training on images and on features, and compute the features.

    Args:
        config: Settings of the feature cache.
        classifier: The classifier, with its layers frozen for the training.
        data: Examples and images of the run.
        settings: Size, order, augmentation and targets of the batches.
        world: The processes that train together; several devices train on images.
        progress: Called while features are computed.
        sample: A part of the data, to fit that alone; the choice is that for all data.

    Raises:
        ConfigError: Features are requested, and no layer is frozen, or images are mixed.
    """
    split = None
    if world.devices == 1:
        split = feature_split(config, settings, classifier, len(data.train_images))
    data = sample or data
    images, targets = data.train_images, data.train.targets
    validation = data.validation_images if data.validates else None
    batches: AugmentedBatches
    if split is None:
        batches = AugmentedBatches(images, targets, settings, world)
        return Fitting(classifier, batches, validation, data.validation.targets)
    changes, seed = settings.augmentation, settings.seed
    features = compute_features(
        split, images, config.feature_views, changes, seed, progress=progress
    )
    if validation is not None:
        (validation,) = compute_features(split, validation, 1, changes, seed, progress=progress)
    batches = FeatureBatches(features, targets, settings)
    return Fitting(split.trained, batches, validation, data.validation.targets)


def compile_stage(
    config: TrainConfig, stage: Stage, fitting: Fitting, classifier: keras.Model, world: World
) -> None:
    """Compile a model for a stage: optimizer, loss and metrics.

    Args:
        config: Settings of the run.
        stage: The stage.
        fitting: The model and its batches.
        classifier: The whole classifier.
        world: The processes that train together.
    """
    model, batches = fitting.model, len(fitting.batches)
    rate = learning_rate(config, stage.learning_rate, stage.schedule_epochs, batches)
    factors = rate_factors(config.layer_decay, architecture(config.arch), model, classifier)
    accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    model.compile(
        optimizer=make_optimizer(config, model, rate, factors),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        # The padding rows of the validation batches of several devices have weight 0.
        **{"weighted_metrics" if world.devices > 1 else "metrics": [accuracy]},
    )


def fit_epochs(
    config: ModelConfig,
    fitting: Fitting,
    begin: int,
    end: int,
    callbacks: Sequence[Any],
    world: World = ALONE,
) -> None:
    """Fit a compiled model.

    Args:
        config: Whether batch normalisation keeps its statistics; otherwise they are those of each
            epoch.
        fitting: The model and its data.
        begin: Number of epochs before the first one of this call.
        end: Number of epochs after the last one.
        callbacks: Keras callbacks, in their order, after those of the batches and norms.
        world: The processes that train together.
    """
    batches = fitting.batches
    start = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: batches.begin(epoch))
    validation = None
    if fitting.validation is not None:
        found = validation_data(fitting.validation, fitting.validation_targets, world)
        validation = validation_dataset(found, BATCH)
    # OpenCV's own threads would compete with those of the backend for tiny warps.
    cv2.setNumThreads(1)
    # After the faster layers, whose calls it wraps.
    freeze = config.freeze_norm_statistics
    frozen = frozen_norm_statistics(fitting.model) if freeze else nullcontext()
    norms = [] if freeze else [EpochNormStatistics()]
    with fast_layers(fitting.model), frozen, hold_interrupts():
        fitting.model.fit(
            training_dataset(batches),
            shuffle=False,
            validation_data=validation,
            validation_batch_size=BATCH,
            initial_epoch=begin,
            epochs=end,
            callbacks=[start, *norms, *callbacks],
            verbose=0,
        )
