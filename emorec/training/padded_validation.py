"""Feeds validation images to Keras in padded batches that several devices share."""

from typing import Any

import keras
import numpy as np

from emorec.images import Image
from emorec.labels import Targets
from emorec.training.distribution import World

BATCH = 256


def validation_data(images: Image, targets: Targets, world: World) -> Any:
    """Return the validation data for `fit`: the arrays for one device, else padded batches.

    Args:
        images: Shape (n, size, size, channels), uint8.
        targets: Shape (n, classes), float32, rows sum to 1.
        world: The processes that train together.
    """
    return PaddedBatches(images, targets, world) if world.devices > 1 else (images, targets)


class PaddedBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """This process's part of validation batches, padded to split evenly among the devices.

    Padding rows get weight 0; real rows are scaled so that the mean over all rows is the mean over
    the real ones: Keras divides a loss by the number of rows, and a metric by the sum of weights.
    """

    def __init__(self, images: Image, targets: Targets, world: World):
        """Store the images, shape (n, size, size, channels), uint8, and their targets."""
        super().__init__(workers=1, use_multiprocessing=False)
        self._images, self._targets, self._world = images, targets, world
        count = len(images)
        self._rows = np.arange(-(-count // world.devices) * world.devices)
        self._weights = np.where(self._rows < count, len(self._rows) / count, 0).astype(np.float32)
        self._batch = BATCH // world.devices * world.devices or world.devices

    def __len__(self) -> int:
        return -(-len(self._rows) // self._batch)

    def __getitem__(self, index: int) -> tuple[Any, Any, Any]:
        """Make one batch: images, targets and weights."""
        rows = self._rows[index * self._batch : (index + 1) * self._batch]
        rows = rows[self._world.part(len(rows))]
        chosen = np.minimum(rows, len(self._images) - 1)
        return self._images[chosen], self._targets[chosen], self._weights[rows]
