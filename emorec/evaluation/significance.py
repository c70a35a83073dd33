"""Statistical significance: bootstrap intervals, and McNemar's test of two models."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Interval = tuple[float, float]

RESAMPLES = 2000
SEED = 0
LEVEL = 0.95

_RESAMPLES_AT_A_TIME = 100
"""Resamples of groups in one array; there may be as many groups as images."""

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
    generator = np.random.default_rng(SEED)
    drawn = generator.multinomial(total, confusion.ravel() / total, size=RESAMPLES)
    return _percentile_intervals(metrics(drawn.reshape(RESAMPLES, *confusion.shape)))


def group_bootstrap_intervals(
    confusions: Counts, metrics: Callable[[Counts], npt.NDArray[np.floating[Any]]]
) -> list[Interval]:
    """Compute 95 % percentile intervals of metrics by resampling whole groups of images.

    The images of one person are alike, so intervals that resample images are too narrow. The
    cluster bootstrap draws the groups with replacement, each with all its images (Field and Welsh
    2007, "Bootstrapping clustered data").

    Args:
        confusions: Counts of each of g groups, shape (g, classes, classes).
        metrics: As for `bootstrap_intervals`.

    Returns:
        k intervals (low, high); deterministic.
    """
    count = len(confusions)
    flat = confusions.reshape(count, -1)
    generator = np.random.default_rng(SEED)
    found = []
    for start in range(0, RESAMPLES, _RESAMPLES_AT_A_TIME):
        size = min(_RESAMPLES_AT_A_TIME, RESAMPLES - start)
        drawn = generator.multinomial(count, np.full(count, 1 / count), size=size) @ flat
        found.append(metrics(drawn.reshape(size, *confusions.shape[1:])))
    return _percentile_intervals(np.concatenate(found))


def _percentile_intervals(found: npt.NDArray[np.floating[Any]]) -> list[Interval]:
    """Return the interval of each metric from its values in the resamples, shape (m, k)."""
    edges = np.quantile(found, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=0)
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
