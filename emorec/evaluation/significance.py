"""Statistical significance: bootstrap intervals, and McNemar's test of two models."""

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
    confusion: Counts, metrics: Callable[[Counts], npt.NDArray[np.floating[Any]]]
) -> list[Interval]:
    """Compute 95 % percentile intervals of metrics of a confusion matrix (Efron 1979, bootstrap).

    Resampling the images with replacement draws the counts from a multinomial distribution, so the
    counts are resampled directly.

    Args:
        confusion: Counts, shape (classes, classes); rows are labels, columns predictions.
        metrics: Function from matrices, shape (m, classes, classes), to metrics, shape (m, k).

    Returns:
        k intervals (low, high); deterministic.
    """
    total = int(confusion.sum())
    generator = np.random.default_rng(_SEED)
    drawn = generator.multinomial(total, confusion.ravel() / total, size=RESAMPLES)
    found = metrics(drawn.reshape(RESAMPLES, *confusion.shape))
    edges = np.quantile(found, ((1 - _LEVEL) / 2, (1 + _LEVEL) / 2), axis=0)
    return [(float(low), float(high)) for low, high in edges.T]


@dataclass(frozen=True)
class McNemar:
    """Result of McNemar's test of two models on the same images.

    Attributes:
        only_first: Number of images that only the first model classifies correctly.
        only_second: Number of images that only the second model classifies correctly.
        p_value: Exact p value of the hypothesis that both models have the same accuracy.
    """

    only_first: int
    only_second: int
    p_value: float


def mcnemar(first_correct: npt.NDArray[np.bool_], second_correct: npt.NDArray[np.bool_]) -> McNemar:
    """Test whether two models differ in accuracy (McNemar 1947, the exact binomial form).

    If both models are equally accurate, each image that exactly one of them classifies correctly
    belongs to either with probability 1/2; the p value is twice the binomial tail, at most 1.

    Args:
        first_correct: Whether the first model is correct, shape (n,).
        second_correct: The same of the second model, on the same images.
    """
    only_first = int((first_correct & ~second_correct).sum())
    only_second = int((second_correct & ~first_correct).sum())
    n = only_first + only_second
    term, tail = 1, 1
    for chosen in range(min(only_first, only_second)):
        term = term * (n - chosen) // (chosen + 1)
        tail += term
    # Python integers are exact, so rounding happens only in the division.
    return McNemar(only_first, only_second, min(1.0, 2 * tail / 2**n))
