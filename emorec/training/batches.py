"""Feeds training images to Keras in shuffled, augmented batches."""

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from emorec.images import Image
from emorec.labels import Targets
from emorec.training.augmentation import augment
from emorec.training.balance import Vector, sampled_order
from emorec.training.config_groups import NO_AUGMENTATION, AugmentationConfig
from emorec.training.distribution import ALONE, World
from emorec.training.mixing import mix

UNCHANGED = AugmentationConfig.model_validate(NO_AUGMENTATION)
"""Augmentation that leaves the images unchanged."""


@dataclass(frozen=True)
class BatchSettings:
    """Size, order, augmentation and targets of training batches.

    Attributes:
        batch_size: Images per batch, over all devices; the last batch of an epoch may be smaller.
        seed: Seed of order and augmentation.
        augmentation: Ranges of the augmentation.
        mixup: Alpha of mixup, 0 for none.
        cutmix: Alpha of cutmix, 0 for none.
        mix_off_from: First epoch, from 0, without mixup, cutmix and erasing; None for no such.
        label_smoothing: Weight of the uniform distribution (Szegedy et al. 2016).
        draw_labels: Draw a one-hot label from each target at every use (FER+ probability).
        loss_weights: Weight of each class in the loss, shape (classes,).
        sampling_weights: Weight of each class in the resampling, shape (classes,).
    """

    batch_size: int = 64
    seed: int = 0
    augmentation: AugmentationConfig = UNCHANGED
    mixup: float = 0.0
    cutmix: float = 0.0
    mix_off_from: int | None = None
    label_smoothing: float = 0.0
    draw_labels: bool = False
    loss_weights: Vector | None = None
    sampling_weights: Vector | None = None

    def of_epoch(self, epoch: int) -> "BatchSettings":
        """Return the settings of an epoch, from 0: without mixing and erasing in the last ones."""
        if self.mix_off_from is None or epoch < self.mix_off_from:
            return self
        augmentation = self.augmentation.model_copy(update={"erasing": 0.0})
        return replace(self, augmentation=augmentation, mixup=0.0, cutmix=0.0)


class AugmentedBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """Batches of one epoch after the other, each epoch in a new order.

    The caller of `fit` calls `begin` at the start of each epoch (Keras calls `on_epoch_end` once
    before the first epoch too), and passes `shuffle=False`: Keras would shuffle the batches with a
    generator whose state cannot be restored by a resume.

    The order and the augmentation follow from the seed, the epoch and the number of the batch
    alone, so a run can be repeated exactly, and the parts of all processes that train together make
    up the batches of one process: each process makes whole batches and keeps its part.
    """

    def __init__(
        self, images: Image, targets: Targets, settings: BatchSettings, world: World = ALONE
    ):
        """Store the images and targets, without a copy.

        Args:
            images: Shape (n, size, size, channels), uint8, 0..255.
            targets: Shape (n, classes), float32, rows sum to 1.
            settings: Size, order, augmentation and targets of the batches.
            world: The processes that train together; up to `devices - 1` images that cannot be
                split evenly are omitted in each epoch.
        """
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self._images, self._targets, self._settings = images, targets, settings
        self._world, self._count = world, len(images) - len(images) % world.devices
        self.begin(0)

    def __len__(self) -> int:
        return -(-self._count // self._settings.batch_size)

    def begin(self, epoch: int) -> None:
        """Draw the order of an epoch, counted from 0."""
        self._epoch, self._epoch_settings = epoch, self._settings.of_epoch(epoch)
        generator = np.random.default_rng((self._settings.seed, epoch))
        if self._settings.sampling_weights is not None:
            order = sampled_order(self._targets @ self._settings.sampling_weights, generator)
        else:
            order = generator.permutation(len(self._images))
        self._order = order[: self._count]

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """Make this process's part of a batch.

        Returns:
            Images, float32, 0..255; targets, float32; and the loss weights if there are any.
        """
        settings = self._epoch_settings
        chosen = self._order[index * settings.batch_size : (index + 1) * settings.batch_size]
        generator = np.random.default_rng((settings.seed, self._epoch, index))
        images = self._inputs(chosen, settings.augmentation, generator)
        targets = self._targets[chosen]
        if settings.draw_labels:
            targets = _drawn_labels(targets, generator)
        images, targets = mix(images, targets, settings.mixup, settings.cutmix, generator)
        weights: tuple[Any, ...] = ()
        if settings.loss_weights is not None:
            weights = ((targets @ settings.loss_weights).astype(np.float32),)
        if settings.label_smoothing:
            # Not in the loss: the validation loss is that of the unsmoothed targets.
            share = settings.label_smoothing
            targets = targets * (1 - share) + share / targets.shape[1]
        part = self._world.part(len(chosen))
        return tuple(array[part] for array in (images, targets, *weights))

    def _inputs(
        self, chosen: Any, augmentation: AugmentationConfig, generator: np.random.Generator
    ) -> Any:
        """Make the model's inputs of the chosen images."""
        return augment(self._images[chosen], augmentation, generator)


def _drawn_labels(targets: Targets, generator: np.random.Generator) -> Targets:
    """Draw a one-hot label from each distribution."""
    cumulated = targets.cumsum(axis=1)
    drawn = (generator.random((len(targets), 1)) * cumulated[:, -1:] >= cumulated).sum(axis=1)
    one_hot: Targets = np.eye(targets.shape[1], dtype=np.float32)[drawn]
    return one_hot
