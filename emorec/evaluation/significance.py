"""How far figures can be trusted: bootstrap intervals, and a test of two models on one split."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Interval = tuple[float, float]

RESAMPLES = 2000
_SEED = 0
_LEVEL = 0.95

Counts = npt.NDArray[np.int64]


def bootstrap_intervals(
    confusion: Counts, figures: Callable[[Counts], npt.NDArray[np.floating[Any]]]
) -> list[Interval]:
    """Give 95 % percentile intervals of figures of a confusion matrix (Efron 1979, the bootstrap).

    Drawing as many images with replacement and counting them is drawing the counts from a
    multinomial distribution, so no image is needed.

    Args:
        confusion: Counts, shape (classes, classes); rows are labels, columns predictions.
        figures: Turns matrices, shape (m, classes, classes), into figures, shape (m, k).

    Returns:
        k intervals; the same for the same counts.
    """
    total = int(confusion.sum())
    generator = np.random.default_rng(_SEED)
    drawn = generator.multinomial(total, confusion.ravel() / total, size=RESAMPLES)
    found = figures(drawn.reshape(RESAMPLES, *confusion.shape))
    edges = np.quantile(found, ((1 - _LEVEL) / 2, (1 + _LEVEL) / 2), axis=0)
    return [(float(low), float(high)) for low, high in edges.T]


@dataclass(frozen=True)
class McNemar:
    """Two models on the same images.

    Attributes:
        only_first: Images that the first model alone gets right.
        only_second: Images that the second model alone gets right.
        p_value: Of the exact test that both are equally often right.
    """

    only_first: int
    only_second: int
    p_value: float


def mcnemar(first_correct: npt.NDArray[np.bool_], second_correct: npt.NDArray[np.bool_]) -> McNemar:
    """Test whether one of two models is more often right (McNemar 1947, the exact binomial form).

    Of the images on which exactly one model is right, each has it with probability 1/2 if the
    models are equally good; the p value is twice the binomial tail, at most 1.

    Args:
        first_correct: Shape (n,): whether the first model is right.
        second_correct: The same of the second, on the same images.
    """
    only_first = int((first_correct & ~second_correct).sum())
    only_second = int((second_correct & ~first_correct).sum())
    n = only_first + only_second
    term, tail = 1, 1
    for chosen in range(min(only_first, only_second)):
        term = term * (n - chosen) // (chosen + 1)
        tail += term
    # Whole numbers of any length: nothing is rounded before the division.
    return McNemar(only_first, only_second, min(1.0, 2 * tail / 2**n))
