"""Mixes the images of a batch and their targets: mixup and cutmix."""

import math

import numpy as np
import numpy.typing as npt

from emorec.labels import Targets
from emorec.training.augmentation import Batch


def mix(
    images: Batch, targets: Targets, mixup: float, cutmix: float, generator: np.random.Generator
) -> tuple[Batch, Targets]:
    """Mix each image of a batch with another image of the batch.

    Mixup takes the weighted mean of the two (Zhang et al. 2018, "mixup"); cutmix pastes a box of
    the other image (Yun et al. 2019, "CutMix"). With both, one of them is drawn for each batch.
    The share of the other image is drawn from Beta(alpha, alpha) for each image.

    Args:
        images: Shape (n, size, size, channels), float32, 0..255.
        targets: Shape (n, classes), float32, rows sum to 1.
        mixup: Alpha of mixup; 0 for none.
        cutmix: Alpha of cutmix; 0 for none.
        generator: Random generator.

    Returns:
        Mixed images and targets of the same shapes; rows of targets sum to 1.
    """
    if not (mixup or cutmix):
        return images, targets
    cut = bool(cutmix) and (not mixup or generator.random() < 0.5)
    alpha = cutmix if cut else mixup
    count = len(images)
    drawn = generator.beta(alpha, alpha, count)
    other = generator.permutation(count)
    if cut:
        images, share = _cut(images, images[other], drawn, generator)
    else:
        # The image keeps the larger share: the draws lam and 1 - lam mix the same pair.
        share = np.minimum(drawn, 1 - drawn).astype(np.float32)
        images = images + share[:, None, None, None] * (images[other] - images)
    share = share[:, None]
    return images, targets * (1 - share) + targets[other] * share


def _cut(
    images: Batch, others: Batch, drawn: npt.NDArray[np.float64], generator: np.random.Generator
) -> tuple[Batch, npt.NDArray[np.float32]]:
    """Paste a square of each other image; return the images and the share of pasted pixels."""
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
