"""Computes the features of a frozen backbone once, so that each epoch trains only what trains."""

import logging
import math
import os
import tempfile
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from emorec import resources
from emorec.errors import ConfigError
from emorec.images import Image
from emorec.labels import Targets
from emorec.modeling.feature_split import FeatureExtractorSplit, split_after_frozen
from emorec.training.augmentation import augment
from emorec.training.batches import AugmentedBatches, BatchSettings
from emorec.training.config import NO_AUGMENTATION, AugmentationConfig, TrainConfig
from emorec.training.distillation import StepProgressCallback
from emorec.training.distribution import ALONE, World
from emorec.training.setup import RunData

_log = logging.getLogger(__name__)

Features = npt.NDArray[np.float32]

_BATCH = 256
_MAX_BYTES_IN_MEMORY = 2**28
_MAX_BYTES_UNASKED = 2**33


def feature_cut(
    config: TrainConfig, model: keras.Model, images: int
) -> FeatureExtractorSplit | None:
    """Decide whether a run trains on features, and where its model is cut.

    `feature_cache: auto` does so where that gives the same as the plain way: the images are not
    changed at random, or `feature_views` of 2 or more asks for so many fixed changes of each; they
    are not mixed; no frozen layer drops values; and the features take less than 8 GiB.

    Args:
        config: Settings of the run.
        model: The classifier, its layers frozen as they are to train.
        images: Number of training images.

    Returns:
        The parts of the model, or None for the plain way.

    Raises:
        ConfigError: Features are asked for, and there is no frozen layer, or images are mixed.
    """
    if config.feature_cache is False:
        return None
    asked = config.feature_cache is True
    mixed = bool(config.mixup or config.cutmix)
    changed = config.augmentation != AugmentationConfig.model_validate(NO_AUGMENTATION)
    if not asked and (mixed or (changed and config.feature_views == 1)):
        return None
    if mixed:
        raise ConfigError("feature_cache cannot mix images; set mixup and cutmix to 0")
    cut = split_after_frozen(model)
    if cut is None:
        if asked:
            raise ConfigError(
                f"feature_cache needs frozen layers before the first one that trains, and "
                f"{config.arch} has none here; lower trainable_layers"
            )
        return None
    needed = cut.feature_bytes * images * config.feature_views
    if not asked and (cut.has_dropout or needed > _MAX_BYTES_UNASKED):
        return None
    _log.info("training on features of %.0f MB, computed once", needed / 1e6)
    return cut


def compute_features(
    cut: FeatureExtractorSplit,
    images: Image,
    views: int,
    augmentation: AugmentationConfig,
    seed: int,
    report: StepProgressCallback | None = None,
) -> Features:
    """Compute the features of images.

    Args:
        cut: The parts of the model.
        images: Shape (n, size, size, channels), uint8.
        views: How many times each image is seen: once as it is, then changed at random.
        augmentation: Ranges of the changes.
        seed: Of the changes.
        report: Told the progress.

    Returns:
        Shape (views, n, ...), float32; in a file without a name if they are large.
    """
    shape = (views, len(images), *cut.frozen.output_shape[1:])
    features = _room(shape)
    for view in range(views):
        for start in range(0, len(images), _BATCH):
            part = images[start : start + _BATCH]
            seen: Any = part.astype(np.float32)
            if view:
                seen = augment(part, augmentation, np.random.default_rng((seed, view, start)))
            found = cut.frozen.predict_on_batch(seen)
            features[view, start : start + len(part)] = np.asarray(found, np.float32)
            if report:
                done = view * len(images) + start + len(part)
                report("computing features", done, views * len(images))
    return features


def _room(shape: tuple[int, ...]) -> Features:
    size = 4 * math.prod(shape)
    if size <= _MAX_BYTES_IN_MEMORY:
        return np.empty(shape, np.float32)
    folder = resources.cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                # A full disk is an error now, not a crash when the page is written.
                os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, np.float32, "w+", shape=shape)
    except OSError as error:
        _log.warning(
            "%s: no room for %.1f GB of features there (%s); they are held in memory; another "
            "folder can be named in EMOREC_CACHE",
            folder,
            size / 1e9,
            error.strerror or error,
        )
        return np.empty(shape, np.float32)


@dataclass(frozen=True)
class Fitting:
    """What `fit` is called on, and with.

    Attributes:
        model: The whole classifier, or the part of it that trains.
        batches: Its training batches.
        validation: Its input for the validation images.
    """

    model: keras.Model
    batches: AugmentedBatches
    validation: Any


def make_fitting(
    config: TrainConfig,
    model: keras.Model,
    datasets: RunData,
    treatment: BatchSettings,
    report: StepProgressCallback | None = None,
    world: World = ALONE,
) -> Fitting:
    """Choose between the plain way and features; compute the features.

    Args:
        config: Settings of the run.
        model: The classifier, its layers frozen as they are to train.
        datasets: The images.
        treatment: What is done to the targets.
        report: Told the progress.
        world: Who trains together; several devices train in the plain way.
    """
    images, targets = datasets.train_images, datasets.train.targets
    size, changes, seed = config.batch_size, config.augmentation, config.seed
    cut = feature_cut(config, model, len(images)) if world.devices == 1 else None
    if cut is None:
        batches = AugmentedBatches(images, targets, size, changes, seed, treatment, world)
        return Fitting(model, batches, datasets.validation_images)
    features = compute_features(cut, images, config.feature_views, changes, seed, report)
    (validation,) = compute_features(cut, datasets.validation_images, 1, changes, seed, report)
    batches = FeatureBatches(features, targets, size, seed, treatment)
    return Fitting(cut.trained, batches, validation)


class FeatureBatches(AugmentedBatches):
    """Batches of features: each image's in one of its views, drawn anew at every use."""

    def __init__(
        self,
        features: Features,
        targets: Targets,
        batch_size: int,
        seed: int,
        treatment: BatchSettings,
    ):
        """Keep the features, shape (views, n, ...), and what `AugmentedBatches` takes."""
        unchanged = AugmentationConfig.model_validate(NO_AUGMENTATION)
        super().__init__(features[0], targets, batch_size, unchanged, seed, treatment)
        self._features = features

    def _inputs(
        self, chosen: Any, augmentation: AugmentationConfig, generator: np.random.Generator
    ) -> Any:
        views = generator.integers(0, len(self._features), len(chosen))
        return self._features[views, chosen]
