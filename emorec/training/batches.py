"""Feeds training images to Keras in shuffled, augmented batches."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from emorec.images import Image
from emorec.labels import Targets
from emorec.training.augmentation import augment
from emorec.training.balance import Vector, sampled_order
from emorec.training.config import AugmentationConfig
from emorec.training.distribution import ALONE, World
from emorec.training.mixing import mix


@dataclass(frozen=True)
class BatchSettings:
    """What is done to the targets of a batch, and to its images with them.

    Attributes:
        mixup: Alpha of mixup, 0 for none.
        cutmix: Alpha of cutmix, 0 for none.
        calm_from: The first epoch, from 0, without mixup, cutmix and erasing; None for none.
        label_smoothing: Part of each target that all classes share (Szegedy et al. 2016).
        draw_labels: Draw a one-hot label from each target at every use (FER+ probability).
        loss_weights: Of the classes, shape (classes,); a loss is weighed by its target's.
        sampling_weights: Of the classes; an image is drawn as often as its target's are worth.
    """

    mixup: float = 0.0
    cutmix: float = 0.0
    calm_from: int | None = None
    label_smoothing: float = 0.0
    draw_labels: bool = False
    loss_weights: Vector | None = None
    sampling_weights: Vector | None = None


class AugmentedBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """Batches of one epoch after the other, each in a new order.

    Who trains on them calls `begin` at the start of each epoch (Keras's `on_epoch_end` comes once
    too often, before the first), and fits with `shuffle=False`, for Keras would shuffle the
    batches with a generator that no run could continue.

    The order and the augmentation follow from the seed, the epoch and the number of the batch
    alone, so a run can be repeated exactly, and the parts of all processes that train together make
    up the batches of one: each process makes whole batches and keeps its part.
    """

    def __init__(
        self,
        images: Image,
        targets: Targets,
        batch_size: int,
        augmentation: AugmentationConfig,
        seed: int,
        treatment: BatchSettings = BatchSettings(),
        world: World = ALONE,
    ):
        """Keep the images and targets, which are not copied.

        Args:
            images: Shape (n, size, size, channels), uint8.
            targets: Shape (n, classes), float32, rows sum to 1.
            batch_size: Images per batch; the last of an epoch may be smaller.
            augmentation: Ranges of the random changes.
            seed: Of order and augmentation.
            treatment: What is done to the targets.
            world: Who trains together; up to `devices - 1` images that cannot be split evenly sit
                out an epoch.
        """
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self._images, self._targets, self._batch_size = images, targets, batch_size
        self._augmentation, self._seed, self._treatment = augmentation, seed, treatment
        self._world, self._count = world, len(images) - len(images) % world.devices
        self.begin(0)

    def __len__(self) -> int:
        return -(-self._count // self._batch_size)

    def begin(self, epoch: int) -> None:
        """Draw the order of an epoch, counted from 0."""
        self._epoch = epoch
        generator = np.random.default_rng((self._seed, self._epoch))
        if self._treatment.sampling_weights is not None:
            order = sampled_order(self._targets @ self._treatment.sampling_weights, generator)
        else:
            order = generator.permutation(len(self._images))
        self._order = order[: self._count]

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """Make this process's part of a batch: images, float32, 0..255, targets, any weights."""
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        treatment, augmentation = self._treatment, self._augmentation
        calm = treatment.calm_from is not None and self._epoch >= treatment.calm_from
        if calm:
            augmentation = augmentation.model_copy(update={"erasing": 0.0})
        generator = np.random.default_rng((self._seed, self._epoch, index))
        images = self._inputs(chosen, augmentation, generator)
        targets = self._targets[chosen]
        if treatment.draw_labels:
            targets = _drawn(targets, generator)
        if not calm:
            images, targets = mix(images, targets, treatment.mixup, treatment.cutmix, generator)
        weights: tuple[Any, ...] = ()
        if treatment.loss_weights is not None:
            weights = ((targets @ treatment.loss_weights).astype(np.float32),)
        if treatment.label_smoothing:
            # Here and not in the loss, so that the validation loss is that of the plain targets.
            shared = treatment.label_smoothing
            targets = targets * (1 - shared) + shared / targets.shape[1]
        part = self._world.part(len(chosen))
        return tuple(array[part] for array in (images, targets, *weights))

    def _inputs(
        self, chosen: Any, augmentation: AugmentationConfig, generator: np.random.Generator
    ) -> Any:
        """Give what the model sees of the chosen images."""
        return augment(self._images[chosen], augmentation, generator)


def _drawn(targets: Targets, generator: np.random.Generator) -> Targets:
    """Draw a one-hot label from each distribution."""
    cumulated = targets.cumsum(axis=1)
    drawn = (generator.random((len(targets), 1)) * cumulated[:, -1:] >= cumulated).sum(axis=1)
    one_hot: Targets = np.eye(targets.shape[1], dtype=np.float32)[drawn]
    return one_hot
