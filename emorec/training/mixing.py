"""Mixes the images of a batch, and their targets, with one another."""

import math

import numpy as np
import numpy.typing as npt

from emorec.labels import Targets
from emorec.training.augmentation import Batch


def mix(
    images: Batch, targets: Targets, mixup: float, cutmix: float, generator: np.random.Generator
) -> tuple[Batch, Targets]:
    """Mix each image of a batch with another one of it.

    Mixup is the weighted mean of the two (Zhang et al. 2018, "mixup"); cutmix puts a box of the
    other one in (Yun et al. 2019, "CutMix"). With both, each batch draws one of them. The share
    of the other image is drawn from Beta(alpha, alpha) for each image.

    Args:
        images: Shape (n, size, size, channels), float32, 0..255.
        targets: Shape (n, classes), float32, rows sum to 1.
        mixup: Its alpha; 0 for none.
        cutmix: Its alpha; 0 for none.
        generator: Source of every draw.

    Returns:
        Mixed images and targets of the same shapes; rows of targets sum to 1.
    """
    if not (mixup or cutmix):
        return images, targets
    cut = bool(cutmix) and (not mixup or generator.random() < 0.5)
    alpha = cutmix if cut else mixup
    count = len(images)
    drawn = generator.beta(alpha, alpha, count)
    partner = generator.permutation(count)
    if cut:
        images, share = _cut(images, images[partner], drawn, generator)
    else:
        # The image itself keeps the larger part: the two draws lam and 1 - lam mix the same pair.
        share = np.minimum(drawn, 1 - drawn).astype(np.float32)
        images = images + share[:, None, None, None] * (images[partner] - images)
    share = share[:, None]
    return images, targets * (1 - share) + targets[partner] * share


def _cut(
    images: Batch, others: Batch, drawn: npt.NDArray[np.float64], generator: np.random.Generator
) -> tuple[Batch, npt.NDArray[np.float32]]:
    """Put a box of each other image in; give the part of the pixels that came from there."""
    images = images.copy()
    size = images.shape[1]
    share = np.empty(len(images), np.float32)
    for index, part in enumerate(drawn):
        side = round(size * math.sqrt(part))
        top, left = generator.integers(0, size - side + 1, 2)
        box = np.s_[index, top : top + side, left : left + side]
        images[box] = others[box]
        share[index] = side * side / size**2
    return images, share
