"""Computes the features of a frozen backbone once, so that each epoch trains only the rest."""

import logging
import math
import os
import tempfile
from dataclasses import replace
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
from emorec.training.batches import UNCHANGED, AugmentedBatches, BatchSettings
from emorec.training.config_groups import AugmentationConfig, FeatureCacheConfig
from emorec.training.training_progress import StepProgressCallback

_log = logging.getLogger(__name__)

Features = npt.NDArray[np.float32]

_BATCH = 256
_MAX_BYTES_IN_MEMORY = 2**28
_MAX_BYTES_BY_DEFAULT = 2**33


def feature_split(
    config: FeatureCacheConfig, settings: BatchSettings, model: keras.Model, images: int
) -> FeatureExtractorSplit | None:
    """Decide whether a run trains on features, and split its model.

    `feature_cache: auto` does so where the result is the same as without: the images are not
    augmented, or `feature_views` of 2 or more requests fixed views of each; they are not mixed; no
    frozen layer is random; and the features take less than 8 GiB.

    Args:
        config: Settings of the feature cache.
        settings: Augmentation and mixing of the batches.
        model: The classifier, with its layers frozen for the training.
        images: Number of training images.

    Returns:
        The parts of the model, or None to train the whole model on images.

    Raises:
        ConfigError: Features are requested, and no layer is frozen, or images are mixed.
    """
    if config.feature_cache is False:
        return None
    requested = config.feature_cache is True
    mixed = bool(settings.mixup or settings.cutmix)
    augmented = settings.augmentation != UNCHANGED
    if not requested and (mixed or (augmented and config.feature_views == 1)):
        return None
    if mixed:
        raise ConfigError("feature_cache cannot mix images; set mixup: 0 and cutmix: 0")
    split = split_after_frozen(model)
    if split is None:
        if requested:
            raise ConfigError(
                "feature_cache needs frozen layers before the first trainable one; "
                f"{model.name} has none; lower trainable_layers"
            )
        return None
    needed = split.feature_bytes * images * config.feature_views
    if not requested and (split.has_dropout or needed > _MAX_BYTES_BY_DEFAULT):
        return None
    _log.info("training on features of %.0f MB, computed once", needed / 1e6)
    return split


def compute_features(
    split: FeatureExtractorSplit,
    images: Image,
    views: int,
    augmentation: AugmentationConfig,
    seed: int,
    *,
    progress: StepProgressCallback | None = None,
) -> Features:
    """Compute the features of images.

    Args:
        split: The parts of the model.
        images: Shape (n, size, size, channels), uint8, 0..255.
        views: Number of views of each image: one unchanged, the others augmented.
        augmentation: Ranges of the augmentation.
        seed: Seed of the augmentation.
        progress: Called after every batch.

    Returns:
        Shape (views, n, ...), float32; large features are mapped from an unnamed file.
    """
    shape = (views, len(images), *split.frozen.output_shape[1:])
    features = _allocate(shape)
    for view in range(views):
        for start in range(0, len(images), _BATCH):
            part = images[start : start + _BATCH]
            inputs: Any = part.astype(np.float32)
            if view:
                inputs = augment(part, augmentation, np.random.default_rng((seed, view, start)))
            outputs = split.frozen.predict_on_batch(inputs)
            features[view, start : start + len(part)] = np.asarray(outputs, np.float32)
            if progress:
                done = view * len(images) + start + len(part)
                progress("computing features", done, views * len(images))
    return features


def _allocate(shape: tuple[int, ...]) -> Features:
    size = 4 * math.prod(shape)
    if size <= _MAX_BYTES_IN_MEMORY:
        return np.empty(shape, np.float32)
    folder = resources.cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                # A full disk is an error here, not a crash (SIGBUS) when a page is written.
                os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, np.float32, "w+", shape=shape)
    except OSError as error:
        _log.warning(
            "%s: cannot store %.1f GB of features (%s); they are kept in memory; set EMOREC_CACHE "
            "to another folder",
            folder,
            size / 1e9,
            error.strerror or error,
        )
        return np.empty(shape, np.float32)


class FeatureBatches(AugmentedBatches):
    """Batches of features: one view of each image, drawn at every use."""

    def __init__(self, features: Features, targets: Targets, settings: BatchSettings):
        """Store the features, shape (views, n, ...), which are not augmented further."""
        super().__init__(features[0], targets, replace(settings, augmentation=UNCHANGED))
        self._features = features

    def _inputs(
        self, chosen: Any, augmentation: AugmentationConfig, generator: np.random.Generator
    ) -> Any:
        views = generator.integers(0, len(self._features), len(chosen))
        return self._features[views, chosen]
