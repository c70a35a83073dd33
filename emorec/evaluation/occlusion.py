"""Occlusion sensitivity: how much an emotion loses where parts of the model's input are covered.

Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2.
The loss is measured in log-odds, as in Zintgraf et al., "Visualizing Deep Neural Network Decisions:
Prediction Difference Analysis", ICLR 2017: at probabilities near 1, which are common, the
probability itself hardly changes before the model is about to change its mind.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emorec.images import Image
from emorec.threads import ProgressCallback

Floats = npt.NDArray[np.float32]

PATCH = 0.25
"""Default side of the patch as a fraction of the input's side."""

MIN_PATCH, MAX_PATCH = 0.05, 0.5

LEAST_PROBABILITY = 1e-6
"""Probabilities closer to 0 or 1 count as this far away: beyond, float32 makes noise of odds."""

_STEPS_PER_PATCH = 4
"""Patches overlap: each position is a quarter of the patch from the next."""

_BATCH = 64
"""Covered inputs in memory at a time."""


@dataclass(frozen=True)
class Occlusion:
    """The result of covering an input in many places.

    Attributes:
        heat: Drop of log2(p / (1 - p)) for the probability p, in bits, averaged over the patches
            that cover a pixel; shape (size, size), float32. 1 bit halves the odds of the emotion;
            negative values raise them.
        probability: Probability of the emotion without a patch.
        least: The lowest probability with a patch.
    """

    heat: Floats
    probability: float
    least: float


def occlusion_sensitivity(
    image: Image,
    probability: Callable[[Sequence[Image]], Sequence[float]],
    patch: float = PATCH,
    progress: ProgressCallback | None = None,
) -> Occlusion:
    """Measure how the probability of an emotion drops where an input is covered.

    A square patch of one colour, the mean of the image, is moved over the image in steps of a
    quarter of its side, from edge to edge.

    Args:
        image: The input of a model: shape (size, size) or (size, size, 3), uint8.
        probability: Computes the probability of the emotion, 0 to 1, for images of this shape.
        patch: Side of the patch as a fraction of the image's side, above 0, at most 1.
        progress: Called with the number of patches done and their total.
    """
    size = image.shape[0]
    side = min(max(round(patch * size), 1), size)
    places = [(row, column) for row in _starts(size, side) for column in _starts(size, side)]
    (before,) = probability([image])
    after: list[float] = []
    for start in range(0, len(places), _BATCH):
        batch = places[start : start + _BATCH]
        after += probability(list(_covered(image, batch, side)))
        if progress:
            progress(len(after), len(places))
    drops = _log_odds([before])[0] - _log_odds(after)
    total, count = np.zeros((size, size)), np.zeros((size, size))
    for (row, column), drop in zip(places, drops, strict=True):
        total[row : row + side, column : column + side] += drop
        count[row : row + side, column : column + side] += 1
    return Occlusion((total / count).astype(np.float32), float(before), float(min(after)))


def _log_odds(probabilities: Sequence[float]) -> npt.NDArray[np.float64]:
    """Compute log2(p / (1 - p))."""
    bounded = np.clip(np.asarray(probabilities), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return np.asarray(np.log2(bounded / (1 - bounded)))


def _starts(size: int, side: int) -> list[int]:
    """List the positions of a patch along an axis, the same from either end."""
    step = max(round(side / _STEPS_PER_PATCH), 1)
    starts = range(0, size - side + 1, step)
    return sorted({*starts, *(size - side - start for start in starts)})


def _covered(image: Image, places: Sequence[tuple[int, int]], side: int) -> Iterator[Image]:
    """Yield a copy of the image for each place, covered there by the image's mean."""
    mean = np.rint(image.mean(axis=(0, 1))).astype(np.uint8)
    for row, column in places:
        covered = image.copy()
        covered[row : row + side, column : column + side] = mean
        yield covered
