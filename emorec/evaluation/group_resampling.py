"""Resampling of metrics by group: bootstrap intervals, and permutations of the groups."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.evaluation.calibration import BINS, bin_numbers
from emorec.evaluation.significance import LEVEL, RESAMPLES, SEED, Interval
from emorec.labels import Targets

Floats = npt.NDArray[np.floating[Any]]
Indices = npt.NDArray[np.intp]

METRICS = ("accuracy", "balanced_accuracy", "calibration_error")
"""The metrics of a group, in the order of the last axis of the arrays of this module."""

_BATCH = 2**20
"""Most images, over all resamples, of one batch."""


@dataclass(frozen=True)
class GroupedImages:
    """Predictions of n images, their groups, and the units of resampling.

    A unit is a person with all images, or an image where no person is known.

    Attributes:
        groups: Group of each image, from 0, each with an image, shape (n,).
        units: Unit of each image, from 0, each with an image, shape (n,).
        truth: Label of each image, from 0, shape (n,).
        correct: Whether the most probable class of each image is the label, shape (n,).
        confidence: Probability of this class, shape (n,).
        classes: Number of classes.
    """

    groups: Indices
    units: Indices
    truth: Indices
    correct: npt.NDArray[np.bool_]
    confidence: Floats
    classes: int

    @property
    def nested(self) -> bool:
        """Whether each unit has images in one group only."""
        pairs = self.units * (self.groups.max() + 1) + self.groups
        return len(np.unique(pairs)) == int(self.units.max()) + 1

    def of_groups(self, chosen: Indices) -> "GroupedImages":
        """Return the images of some groups, which are numbered in the given order."""
        inside = np.isin(self.groups, chosen)
        numbers = np.zeros(self.groups.max() + 1, np.intp)
        numbers[chosen] = np.arange(len(chosen))
        units = np.unique(self.units[inside], return_inverse=True)[1].ravel()
        return GroupedImages(
            numbers[self.groups[inside]],
            units,
            self.truth[inside],
            self.correct[inside],
            self.confidence[inside],
            self.classes,
        )

    def sums(self, groups: Indices, weights: Floats) -> Floats:
        """Sum what the metrics of the groups are computed from.

        Args:
            groups: Group of each image in each of m resamples, shape (m, n) or (1, n).
            weights: How often each image counts, shape (m, n) or (1, n).

        Returns:
            Shape (m, groups, 2 * classes + 15): images by label, correct images by label, and the
            sum of confidence minus correctness by bin of the confidence.
        """
        count, columns = int(self.groups.max()) + 1, 2 * self.classes + BINS
        size = max(len(groups), len(weights))
        rows = (np.arange(size)[:, None] * count + groups) * columns
        found = np.zeros(size * count * columns)
        for column, values in (
            (self.truth, weights),
            (self.classes + self.truth, weights * self.correct),
            (2 * self.classes + bin_numbers(self.confidence), weights * self._excess),
        ):
            cells = (rows + column).ravel()
            found += np.bincount(cells, np.broadcast_to(values, rows.shape).ravel(), len(found))
        return found.reshape(size, count, columns)

    @property
    def _excess(self) -> Floats:
        return self.confidence - self.correct


def grouped_images(
    probabilities: Floats, targets: Targets, groups: Indices, units: Indices
) -> GroupedImages:
    """Make the data of the resampling.

    Args:
        probabilities: Shape (n, classes), rows sum to 1.
        targets: Shape (n, classes); the label of an image is its largest target.
        groups: As in `GroupedImages`.
        units: As in `GroupedImages`.
    """
    truth = targets.argmax(axis=1)
    correct = probabilities.argmax(axis=1) == truth
    confidence = probabilities.max(axis=1).astype(np.float64)
    return GroupedImages(groups, units, truth, correct, confidence, probabilities.shape[1])


def metrics_of_sums(sums: Floats) -> Floats:
    """Compute the metrics of sets of images from their sums.

    Args:
        sums: From `GroupedImages.sums`, shape (..., columns).

    Returns:
        Shape (..., 3), in the order of `METRICS`; NaN for a set without images.
    """
    classes = (sums.shape[-1] - BINS) // 2
    support, hits = sums[..., :classes], sums[..., classes : 2 * classes]
    # What is subtracted from a whole leaves rounding errors, but images are counted.
    images, present = support.sum(axis=-1).round(), support > 0.5
    with np.errstate(invalid="ignore"):
        return np.stack(
            [
                hits.sum(axis=-1) / images,
                (hits * present / np.where(present, support, 1)).sum(axis=-1)
                / present.sum(axis=-1),
                np.abs(sums[..., 2 * classes :]).sum(axis=-1) / images,
            ],
            axis=-1,
        )


def resampling_units(groups: Indices, people: Indices) -> Indices:
    """Number the units that are resampled: people, each with all images.

    The images of a group that has a single person, who is in no other group, are units themselves:
    a resample of one person would always be the same.

    Args:
        groups: Group of each image, from 0, shape (n,).
        people: Person of each image, from 0, shape (n,).

    Returns:
        The unit of each image, from 0, shape (n,).
    """
    units = people.copy()
    for group in np.unique(groups):
        inside = groups == group
        if (inside == (people == people[inside][0])).all():
            units[inside] = len(groups) + np.flatnonzero(inside)
    return np.unique(units, return_inverse=True)[1].ravel()


def bootstrap_sums(images: GroupedImages) -> Floats:
    """Resample the units with replacement, each with all its images (Field and Welsh 2007).

    If every unit is in one group, each group keeps its number of units. Otherwise a unit is drawn
    with its images of all groups, because they vary together.

    Returns:
        `GroupedImages.sums` of each resample, shape (resamples, groups, columns); deterministic.
    """
    generator = np.random.default_rng(SEED)
    count = int(images.units.max()) + 1
    strata = np.zeros(count, np.intp)
    if images.nested:
        strata[images.units] = images.groups
    members = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    found = []
    for size in _batches(len(images.groups)):
        drawn = np.empty((size, count))
        for units in members:
            chosen = generator.integers(0, len(units), (size, len(units)))
            cells = (chosen + np.arange(size)[:, None] * len(units)).ravel()
            drawn[:, units] = np.bincount(cells, minlength=chosen.size).reshape(chosen.shape)
        found.append(images.sums(images.groups[None], drawn[:, images.units]))
    return np.concatenate(found)


def permuted_sums(images: GroupedImages) -> Floats:
    """Assign the groups at random, as if they had no influence.

    If every unit is in one group, whole units change their group, and each group keeps its number
    of units. Otherwise the images of each unit exchange their groups.

    Returns:
        `GroupedImages.sums` of each permutation, shape (permutations, groups, columns);
        deterministic.
    """
    generator = np.random.default_rng(SEED)
    count = len(images.groups)
    group_of_unit = np.zeros(int(images.units.max()) + 1, np.intp)
    group_of_unit[images.units] = images.groups
    by_unit = np.argsort(images.units, kind="stable")
    units, groups = images.units[by_unit], images.groups[by_unit]
    found = []
    for size in _batches(count):
        if images.nested:
            drawn = generator.permuted(np.tile(group_of_unit, (size, 1)), axis=1)
            permuted = drawn[:, images.units]
        else:
            # A random order of all images that leaves each in its unit.
            order = np.argsort(units + generator.random((size, count)), axis=1)
            permuted = np.empty((size, count), np.intp)
            permuted[:, by_unit] = groups[order]
        found.append(images.sums(permuted, np.ones((1, count))))
    return np.concatenate(found)


def _batches(images: int) -> list[int]:
    """Split the resamples into batches; return the size of each."""
    size = max(1, min(RESAMPLES, _BATCH // images))
    return [min(size, RESAMPLES - start) for start in range(0, RESAMPLES, size)]


def percentile_intervals(found: Floats) -> Floats:
    """Return 95 % percentile intervals over the first axis; NaN, of empty groups, is skipped.

    Returns:
        Shape (2, ...): the lower and the upper ends.
    """
    return np.asarray(np.nanquantile(found, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=0))


def basic_intervals(estimates: Floats, found: Floats) -> Floats:
    """Return 95 % basic bootstrap intervals: percentile intervals reflected at the estimates.

    They suit a metric that is too large on few images, as the calibration error is: its resamples
    exceed the estimate as the estimate exceeds the truth (Davison and Hinkley 1997, "Bootstrap
    Methods and their Application", section 5.2).

    Args:
        estimates: Shape (...).
        found: Its values in the resamples, shape (resamples, ...).

    Returns:
        Shape (2, ...).
    """
    low, high = percentile_intervals(found)
    return np.stack([2 * estimates - high, 2 * estimates - low])


def range_interval(estimates: Floats, found: Floats) -> Interval:
    """Compute a 95 % interval of the difference between the largest and the smallest of values.

    The largest of several noisy values is too large and the smallest too small, so the difference
    is too large, and resampling it adds the same error again (Lum, Zhang and Bower 2022). So the
    interval follows from simultaneous intervals of all pairwise differences, as in Tukey's method:
    the studentised maximum over the pairs is resampled, which holds for all pairs at once, and so
    for the pair that is the largest in truth.

    Args:
        estimates: Value of each of k groups, shape (k,), k at least 2.
        found: Their values in the resamples, shape (resamples, k).

    Returns:
        The interval, within 0 to 1.
    """
    mean = np.nanmean(found, axis=0)
    deviations = found - mean
    pairs = np.triu_indices(len(estimates), 1)
    errors = np.empty(len(pairs[0]))
    largest = np.zeros(len(found))
    for index, (first, second) in enumerate(zip(*pairs, strict=True)):
        differences = np.abs(deviations[:, first] - deviations[:, second])
        errors[index] = np.sqrt(np.nanmean(differences**2))
        if errors[index] > 0:
            largest = np.fmax(largest, differences / errors[index])
    critical = np.quantile(largest, LEVEL)
    corrected = 2 * estimates - mean
    gaps = np.abs(corrected[pairs[0]] - corrected[pairs[1]])
    low, high = (gaps - critical * errors).max(), (gaps + critical * errors).max()
    return float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1))


def permutation_p_values(estimates: Floats, permuted: Floats, sizes: Indices) -> Floats:
    """Compute p values of the hypothesis that the groups do not matter.

    The statistic is the largest difference of two groups, divided by sqrt(1/m + 1/n) of their
    sizes, so that a small group does not hide the differences of large ones.

    Args:
        estimates: Metrics of k groups, shape (k, 3).
        permuted: The same in each permutation, shape (permutations, k, 3).
        sizes: Number of units, or images, of each group, shape (k,).

    Returns:
        Shape (3,): the share of the permutations whose statistic is at least as large, where the
        groups as they are count as one of them (Phipson and Smyth 2010).
    """

    def largest(values: Floats) -> Floats:
        found = np.zeros((*values.shape[:-2], values.shape[-1]))
        for first, second in zip(*np.triu_indices(len(sizes), 1), strict=True):
            differences = np.abs(values[..., first, :] - values[..., second, :])
            found = np.maximum(found, differences / np.sqrt(1 / sizes[first] + 1 / sizes[second]))
        return found

    at_least = (largest(permuted) >= largest(estimates) - 1e-12).sum(axis=0)
    return np.asarray((1 + at_least) / (1 + len(permuted)))
