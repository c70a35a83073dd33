"""Metrics by group: how well a model does on each group of images, and how far they are apart."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.datasets.splitting import number_groups
from emorec.errors import ConfigError
from emorec.evaluation.group_resampling import (
    METRICS,
    basic_intervals,
    bootstrap_sums,
    grouped_images,
    metrics_of_sums,
    percentile_intervals,
    permutation_p_values,
    permuted_sums,
    range_interval,
    resampling_units,
)
from emorec.evaluation.metrics import Probabilities
from emorec.evaluation.significance import RESAMPLES, Interval
from emorec.labels import Targets

MAX_GROUPS = 50
"""A column with more distinct values holds names rather than groups."""

MIN_IMAGES = 30
"""Groups with fewer images are not compared: the interval of an accuracy of 70 % spans 33 points
then."""

MIN_PEOPLE = 10
"""Groups with fewer people are not compared, where people are resampled: their intervals are too
narrow; see scripts/simulate_group_gaps.py."""

CAUTION = (
    "A gap between groups has many possible causes: other emotions in one group (the balanced "
    "accuracy depends less on them), other cameras or poses, and labels, which may themselves "
    "differ by the group of the face or of the annotator. p values are not corrected for several "
    "metrics, columns or models."
)
"""What a reader of gaps must know."""

_CALIBRATION = METRICS.index("calibration_error")


@dataclass(frozen=True)
class Difference:
    """A difference of two values of a metric, with its 95 % interval."""

    value: float
    interval: Interval


@dataclass(frozen=True)
class GroupScores:
    """Metrics of the images with one value in a column of the manifest.

    Attributes:
        group: The value; "" for images without one.
        images: Number of images.
        resampled_groups: Number of people, as in `emorec.evaluation.metrics.Scores`; None where
            images are resampled.
        accuracy: Share of images whose most probable class is the label.
        accuracy_interval: 95 % interval of the accuracy.
        balanced_accuracy: Mean recall of the classes that have images in the group.
        balanced_accuracy_interval: 95 % interval of the balanced accuracy.
        calibration_error: Expected calibration error over 15 bins.
        calibration_error_interval: 95 % interval of the calibration error.
        difference_to_rest: By metric, the value of the group minus that of all other images; empty
            if there are none.
        not_compared: Why the group is not compared with the others; None if it is.
    """

    group: str
    images: int
    resampled_groups: int | None
    accuracy: float
    accuracy_interval: Interval
    balanced_accuracy: float
    balanced_accuracy_interval: Interval
    calibration_error: float
    calibration_error_interval: Interval
    difference_to_rest: dict[str, Difference]
    not_compared: str | None


@dataclass(frozen=True)
class Gap:
    """The difference between the best and the worst group in one metric.

    Attributes:
        metric: One of `METRICS`.
        best: Group with the highest value; of the calibration error, the lowest.
        worst: Group with the lowest value; of the calibration error, the highest.
        value: The difference, at least 0.
        interval: Its 95 % interval, which holds for the largest of all pairwise differences.
        p_value: Of the hypothesis that the groups do not matter, by permutation.
    """

    metric: str
    best: str
    worst: str
    value: float
    interval: Interval
    p_value: float

    def to_text(self) -> str:
        """Describe the gap in one sentence."""
        low, high = self.interval
        return (
            f"{self.metric.replace('_', ' ')}: worst {self.worst:.60}, best {self.best:.60}, gap "
            f"{self.value:.4f} (95 %: {low:.4f} to {high:.4f}), p = {self.p_value:.2g}"
        )


@dataclass(frozen=True)
class GroupComparison:
    """Metrics by the values of one column of the manifest.

    Attributes:
        column: Name of the column.
        groups: Metrics of each group, in the order of their names.
        gaps: One for each of `METRICS`; empty if fewer than two groups can be compared.
        resamples_people: Whether the intervals resample people; otherwise they resample images.
    """

    column: str
    groups: tuple[GroupScores, ...]
    gaps: tuple[Gap, ...]
    resamples_people: bool

    @property
    def method(self) -> str:
        """How the intervals and p values were computed, in words."""
        units = "people" if self.resamples_people else "images"
        return (
            f"Intervals are 95 % intervals of {RESAMPLES:,} bootstrap samples of the {units}. Of "
            "gaps they hold for all pairs of groups at once. p is the share of random assignments "
            "to the groups with differences as large."
        )

    def gaps_to_dict(self) -> dict[str, Any]:
        """Return the gaps as native types, for JSON."""
        return {
            "column": self.column,
            "resamples_people": self.resamples_people,
            "compared": [entry.group for entry in self.groups if entry.not_compared is None],
            "gaps": [asdict(gap) for gap in self.gaps],
        }


def compare_groups(
    probabilities: Probabilities,
    targets: Targets,
    groups: npt.NDArray[np.str_],
    column: str,
    people: npt.NDArray[np.str_] | None = None,
) -> GroupComparison:
    """Compute the metrics of each group and the gaps between the groups.

    Args:
        probabilities: Shape (n, classes), rows sum to 1.
        targets: Shape (n, classes); the label of an image is its largest target.
        groups: Group of each image, shape (n,); "" for none.
        column: Name of the column of the manifest, for messages and for the result.
        people: Person of each image, shape (n,), "" for none; the intervals resample people with
            all their images, and the test permutes them. None, or only "", resamples images.

    Raises:
        ConfigError: There are more than `MAX_GROUPS` groups.
    """
    names, numbers = np.unique(groups, return_inverse=True)
    numbers = numbers.ravel()
    if len(names) > MAX_GROUPS:
        raise ConfigError(
            f"the group column {column!r:.60} has {len(names)} values; at most {MAX_GROUPS} can be "
            "compared"
        )
    if people is not None and not (people != "").any():
        people = None
    person = number_groups(None if people is None else people.tolist(), len(numbers))
    counts = [len(np.unique(person[numbers == index])) for index in range(len(names))]
    # Where each group is one person, such as the column of the people itself, images are resampled.
    resamples_people = people is not None and max(counts) > 1
    units = resampling_units(numbers, person) if resamples_people else np.arange(len(numbers))
    grouped = grouped_images(probabilities, targets, numbers, units)
    sums = grouped.sums(numbers[None], np.ones((1, len(numbers))))[0]
    resampled = bootstrap_sums(grouped)
    estimates, found = metrics_of_sums(sums), metrics_of_sums(resampled)
    ends = _intervals(estimates, found)
    rest = estimates - metrics_of_sums(sums.sum(axis=0) - sums)
    rest_found = found - metrics_of_sums(resampled.sum(axis=1, keepdims=True) - resampled)
    rest_ends = _intervals(rest, rest_found, limits=(-1, 1)) if len(names) > 1 else ends
    images = np.bincount(numbers)
    entries = []
    for index, name in enumerate(names.tolist()):
        figures: dict[str, Any] = {}
        for place, metric in enumerate(METRICS):
            figures[metric] = float(estimates[index, place])
            figures[f"{metric}_interval"] = _pair(ends[:, index, place])
        differences = {
            metric: Difference(float(rest[index, place]), _pair(rest_ends[:, index, place]))
            for place, metric in enumerate(METRICS)
            if len(names) > 1
        }
        count = counts[index] if resamples_people else None
        reason = _problem(name, int(images[index]), count)
        entries.append(
            GroupScores(
                group=name,
                images=int(images[index]),
                resampled_groups=count,
                difference_to_rest=differences,
                not_compared=reason,
                **figures,
            )
        )
    compared = np.flatnonzero([entry.not_compared is None for entry in entries])
    gaps: tuple[Gap, ...] = ()
    if len(compared) > 1:
        chosen = grouped.of_groups(compared)
        # Units that stay in their groups count as one each; otherwise their images are exchanged.
        nested = np.unique(np.stack([chosen.groups, chosen.units]), axis=1)[0]
        sizes = np.bincount(nested if chosen.nested else chosen.groups)
        p_values = permutation_p_values(
            estimates[compared], metrics_of_sums(permuted_sums(chosen)), sizes
        )
        gaps = tuple(
            _gap(
                metric,
                names[compared].tolist(),
                estimates[compared, place],
                found[:, compared, place],
                float(p_values[place]),
            )
            for place, metric in enumerate(METRICS)
        )
    return GroupComparison(column, tuple(entries), gaps, resamples_people)


def _problem(name: str, images: int, people: int | None) -> str | None:
    """Return why a group is not compared with others; None if it is."""
    if not name:
        return "no value in the column"
    if images < MIN_IMAGES:
        return f"fewer than {MIN_IMAGES} images"
    if people is not None and people < MIN_PEOPLE:
        return f"fewer than {MIN_PEOPLE} people"
    return None


def _intervals(
    estimates: Probabilities, found: Probabilities, limits: tuple[int, int] = (0, 1)
) -> Probabilities:
    """Return the intervals of metrics, shape (2, groups, 3); those of the calibration error basic.

    Args:
        estimates: Shape (groups, 3).
        found: Shape (resamples, groups, 3).
        limits: The range of the metrics.
    """
    ends = percentile_intervals(found)
    ends[..., _CALIBRATION] = basic_intervals(
        estimates[:, _CALIBRATION], found[..., _CALIBRATION]
    ).clip(*limits)
    return ends


def _pair(ends: npt.NDArray[np.floating[Any]]) -> Interval:
    return float(ends[0]), float(ends[1])


def _gap(
    metric: str, names: list[str], estimates: Probabilities, found: Probabilities, p_value: float
) -> Gap:
    low, high = int(estimates.argmin()), int(estimates.argmax())
    best, worst = (low, high) if metric == METRICS[_CALIBRATION] else (high, low)
    return Gap(
        metric,
        names[best],
        names[worst],
        float(estimates[high] - estimates[low]),
        range_interval(estimates, found),
        p_value,
    )
