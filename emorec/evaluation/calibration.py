"""Calibration: agreement of confidence and accuracy, and temperature scaling."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.labels import Targets
from emorec.metadata import MIN_CALIBRATION_IMAGES
from emorec.probabilities import probabilities_from_logits

Floats = npt.NDArray[np.floating[Any]]

BINS = 15

_MAX_TEMPERATURE, _MIN_TEMPERATURE = 20.0, 0.05
_HALVINGS = 60

_DEVIATION = 0.4
"""Standard deviation of log T in the prior of `shrunk_temperature`; see
scripts/simulate_temperatures.py."""

_CANDIDATES = 33
_SECTIONS = 30
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class ReliabilityBin:
    """Mean confidence and accuracy of the images in one confidence bin; NaN without images."""

    images: int
    confidence: float
    accuracy: float


def bin_numbers(confidence: Floats, bins: int = BINS) -> npt.NDArray[np.intp]:
    """Return the number of the bin of each confidence, from 0; an edge belongs to the lower bin."""
    return np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)


def reliability(
    probabilities: Floats, targets: Targets, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Compute confidence and accuracy by bin of the confidence.

    See Guo et al. 2017, "On Calibration of Modern Neural Networks".

    Args:
        probabilities: Shape (n, classes), rows sum to 1.
        targets: Shape (n, classes); the label of an image is its largest target.
        bins: Number of bins of equal width; a confidence on an edge belongs to the lower one.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == targets.argmax(axis=1)
    number = bin_numbers(confidence, bins)
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
    """Return the mean gap between confidence and accuracy, weighted by the images of each bin."""
    total = sum(entry.images for entry in bins)
    gaps = (entry.images * abs(entry.confidence - entry.accuracy) for entry in bins if entry.images)
    return sum(gaps) / total


def fit_temperature(logits: Floats, targets: Targets) -> float:
    """Find the temperature T that minimises the cross-entropy of softmax(logits / T).

    The cross-entropy is convex in 1 / T (Guo et al. 2017), so its derivative has one zero, which
    bisection finds; if it lies outside 0.05 to 20, the nearer end is returned.

    Args:
        logits: Shape (n, classes).
        targets: Shape (n, classes), rows sum to 1.

    Returns:
        T, 0.05 to 20.
    """
    logits = logits.astype(np.float64)
    target_mean = float((targets * logits).sum(axis=1).mean())
    low, high = 1 / _MAX_TEMPERATURE, 1 / _MIN_TEMPERATURE
    for _ in range(_HALVINGS):
        inverse = (low + high) / 2
        probabilities = probabilities_from_logits(logits, 1 / inverse)
        if float((probabilities * logits).sum(axis=1).mean()) < target_mean:
            low = inverse
        else:
            high = inverse
    return 2 / (low + high)


def shrunk_temperature(logits: Floats, targets: Targets) -> float:
    """Find a temperature that few images do not mislead.

    It minimises the cross-entropy of softmax(logits / T), summed over the images, plus the negative
    logarithm of a log-normal prior, (log T / 0.4) ** 2 / 2: the fewer the images, the nearer T is
    to 1. Below `emorec.metadata.MIN_CALIBRATION_IMAGES` images it is 1.

    Args:
        logits: Shape (n, classes).
        targets: Shape (n, classes), rows sum to 1.

    Returns:
        T, between 1 and `fit_temperature`.
    """
    if len(logits) < MIN_CALIBRATION_IMAGES:
        return 1.0
    logits = logits.astype(np.float64)
    target_logits = float((targets * logits).sum())

    def objective(log_temperature: float) -> float:
        inverse = math.exp(-log_temperature)
        scaled = inverse * logits
        highest = scaled.max(axis=1)
        normalizers = highest + np.log(np.exp(scaled - highest[:, None]).sum(axis=1))
        loss = float(normalizers.sum()) - inverse * target_logits
        return loss + 0.5 * (log_temperature / _DEVIATION) ** 2

    # Both terms fall on the way from one of these ends to the other, so the minimum is between. It
    # need not be the only one: golden-section search begins around the best of some candidates.
    end = math.log(fit_temperature(logits, targets))
    candidates = np.linspace(0, end, _CANDIDATES).tolist()
    best = min(range(_CANDIDATES), key=lambda index: objective(candidates[index]))
    low, high = candidates[max(best - 1, 0)], candidates[min(best + 1, _CANDIDATES - 1)]
    for _ in range(_SECTIONS):
        step = _GOLDEN * (high - low)
        if objective(high - step) < objective(low + step):
            high = low + step
        else:
            low = high - step
    return math.exp((low + high) / 2)


@dataclass(frozen=True)
class TwoFold:
    """Calibration error with temperatures fitted on other images.

    Attributes:
        calibration_error: Expected calibration error over all images, each half with the
            temperature fitted on the other half.
        temperatures: Temperatures fitted on the first and on the second half, by
            `shrunk_temperature`.
    """

    calibration_error: float
    temperatures: tuple[float, float]


def two_fold(logits: Floats, targets: Targets, offsets: Floats | float = 0.0) -> TwoFold | None:
    """Fit a temperature on each half of the images, and evaluate it on the other half.

    The halves are random, but the same in every call.

    Args:
        logits: Shape (n, classes).
        targets: Shape (n, classes), rows sum to 1.
        offsets: From `emorec.probabilities.prior_offsets`. Subtracted for the evaluation, not for
            the fit: a model's temperature is defined without logit adjustment.

    Returns:
        None for fewer than two images.
    """
    if len(logits) < 2:
        return None
    order = np.random.default_rng(0).permutation(len(logits))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    temperatures = tuple(shrunk_temperature(logits[half], targets[half]) for half in halves)
    probabilities = np.empty(logits.shape)
    for half, temperature in zip(halves, reversed(temperatures), strict=True):
        probabilities[half] = probabilities_from_logits(logits[half], temperature, offsets)
    error = expected_calibration_error(reliability(probabilities, targets))
    return TwoFold(error, (temperatures[0], temperatures[1]))


COVERAGE_STEPS = tuple(step / 20 for step in range(20))


@dataclass(frozen=True)
class CoveragePoint:
    """Coverage and accuracy if predictions below a minimum confidence are uncertain.

    Attributes:
        min_confidence: The threshold, 0 to 1.
        coverage: Share of the images at or above the threshold.
        accuracy: Accuracy on those images; None without any.
    """

    min_confidence: float
    coverage: float
    accuracy: float | None


def coverage_curve(probabilities: Floats, targets: Targets) -> tuple[CoveragePoint, ...]:
    """Compute coverage and accuracy by minimum confidence, in steps of 0.05."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == targets.argmax(axis=1)
    points = []
    for threshold in COVERAGE_STEPS:
        kept = confidence >= threshold
        accuracy = float(correct[kept].mean()) if kept.any() else None
        points.append(CoveragePoint(threshold, float(kept.mean()), accuracy))
    return tuple(points)
