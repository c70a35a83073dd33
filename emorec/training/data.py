"""Feeds training images to Keras in shuffled, augmented batches."""

from typing import Any

import keras
import numpy as np

from emorec.images import Image
from emorec.labels import Targets
from emorec.training.augmentation import augment
from emorec.training.config import AugmentationConfig


class AugmentedBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """Batches of one epoch after the other, each in a new order.

    The order and the augmentation follow from the seed, the epoch and the number of the batch
    alone, so a run can be repeated exactly.
    """

    def __init__(
        self,
        images: Image,
        targets: Targets,
        batch_size: int,
        augmentation: AugmentationConfig,
        seed: int,
        draw_labels: bool = False,
    ):
        """Keep the images and targets, which are not copied.

        Args:
            images: Shape (n, size, size, channels), uint8.
            targets: Shape (n, classes), float32, rows sum to 1.
            batch_size: Images per batch; the last of an epoch may be smaller.
            augmentation: Ranges of the random changes.
            seed: Of order and augmentation.
            draw_labels: Draw a one-hot label from each target at every use (FER+ probability).
        """
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self._images, self._targets, self._batch_size = images, targets, batch_size
        self._augmentation, self._seed, self._draw_labels = augmentation, seed, draw_labels
        self._epoch = -1
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self._images) // self._batch_size)

    def on_epoch_end(self) -> None:
        """Draw the order of the next epoch."""
        self._epoch += 1
        generator = np.random.default_rng((self._seed, self._epoch))
        self._order = generator.permutation(len(self._images))

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """Make one batch: images, float32, 0..255, and their targets."""
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        generator = np.random.default_rng((self._seed, self._epoch, index))
        images = augment(self._images[chosen], self._augmentation, generator)
        targets = self._targets[chosen]
        if self._draw_labels:
            cumulated = targets.cumsum(axis=1)
            drawn = (generator.random((len(chosen), 1)) * cumulated[:, -1:] >= cumulated).sum(
                axis=1
            )
            targets = np.eye(targets.shape[1], dtype=np.float32)[drawn]
        return images, targets
