"""How far confidence and accuracy agree, and the temperature that brings them together."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.labels import Targets
from emorec.probabilities import probabilities_from_logits

Floats = npt.NDArray[np.floating[Any]]

BINS = 15

_SHARPEST, _SOFTEST = 20.0, 0.05
_HALVINGS = 60


@dataclass(frozen=True)
class ReliabilityBin:
    """Images whose confidence falls into one of the equal bins of 0..1; NaN where there is none."""

    images: int
    confidence: float
    accuracy: float


def reliability(
    probabilities: Floats, targets: Targets, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Compare confidence and accuracy, bin by bin (Guo et al. 2017, "On Calibration").

    Args:
        probabilities: Shape (n, classes), rows sum to 1.
        targets: Shape (n, classes); the label of an image is its largest target.
        bins: Number of equal bins; a confidence on an edge counts to the lower one.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == targets.argmax(axis=1)
    number = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    found = []
    for index in range(bins):
        inside = number == index
        count = int(inside.sum())
        means = (
            (float(confidence[inside].mean()), float(correct[inside].mean()))
            if count
            else (float("nan"), float("nan"))
        )
        found.append(ReliabilityBin(count, *means))
    return tuple(found)


def expected_calibration_error(bins: tuple[ReliabilityBin, ...]) -> float:
    """Mean gap between confidence and accuracy, weighted by the images of each bin."""
    total = sum(entry.images for entry in bins)
    gaps = (entry.images * abs(entry.confidence - entry.accuracy) for entry in bins if entry.images)
    return sum(gaps) / total


def fit_temperature(logits: Floats, targets: Targets) -> float:
    """Find the temperature with the least cross-entropy of softmax(logits / T).

    The cross-entropy is convex in 1 / T (Guo et al. 2017), so its slope has one zero, which
    halving finds; where it lies outside 0.05 to 20, the nearer end is the answer.

    Args:
        logits: Shape (n, classes).
        targets: Shape (n, classes), rows sum to 1.

    Returns:
        T, 0.05 to 20.
    """
    logits = logits.astype(np.float64)
    wanted = float((targets * logits).sum(axis=1).mean())
    low, high = 1 / _SHARPEST, 1 / _SOFTEST
    for _ in range(_HALVINGS):
        inverse = (low + high) / 2
        probabilities = probabilities_from_logits(logits, 1 / inverse)
        if float((probabilities * logits).sum(axis=1).mean()) < wanted:
            low = inverse
        else:
            high = inverse
    return 2 / (low + high)


@dataclass(frozen=True)
class TwoFold:
    """Calibration with a temperature fitted on other images than it is measured on.

    Attributes:
        calibration_error: Expected calibration error over all images, each half with the
            temperature of the other one.
        temperatures: Fitted on the first and on the second half.
    """

    calibration_error: float
    temperatures: tuple[float, float]


def two_fold(logits: Floats, targets: Targets, offsets: Floats | float = 0.0) -> TwoFold | None:
    """Fit a temperature on each half of the images, and measure it on the other half.

    Args:
        logits: Shape (n, classes).
        targets: Shape (n, classes), rows sum to 1.
        offsets: From `emorec.probabilities.prior_offsets`. They are taken off when measuring, not
            when fitting: a model's temperature is that of its answers with the prior.

    Returns:
        None for fewer than two images. The halves are drawn at random, always the same way.
    """
    if len(logits) < 2:
        return None
    order = np.random.default_rng(0).permutation(len(logits))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    temperatures = tuple(fit_temperature(logits[half], targets[half]) for half in halves)
    probabilities = np.empty(logits.shape)
    for half, temperature in zip(halves, reversed(temperatures), strict=True):
        probabilities[half] = probabilities_from_logits(logits[half], temperature, offsets)
    error = expected_calibration_error(reliability(probabilities, targets))
    return TwoFold(error, (temperatures[0], temperatures[1]))


COVERAGE_STEPS = tuple(step / 20 for step in range(20))


@dataclass(frozen=True)
class CoveragePoint:
    """What is left if predictions below a confidence are called uncertain.

    Attributes:
        min_confidence: The threshold, 0 to 1.
        coverage: Share of the images at or above it.
        accuracy: Share of those that are right; None where there are none.
    """

    min_confidence: float
    coverage: float
    accuracy: float | None


def coverage_curve(probabilities: Floats, targets: Targets) -> tuple[CoveragePoint, ...]:
    """Measure coverage and accuracy over the least confidence, in steps of 0.05."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == targets.argmax(axis=1)
    points = []
    for least in COVERAGE_STEPS:
        kept = confidence >= least
        accuracy = float(correct[kept].mean()) if kept.any() else None
        points.append(CoveragePoint(least, float(kept.mean()), accuracy))
    return tuple(points)
