"""Classification metrics on labelled images."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.datasets.splitting import number_groups
from emorec.evaluation.calibration import expected_calibration_error, reliability
from emorec.evaluation.significance import (
    RESAMPLES,
    Counts,
    Interval,
    bootstrap_intervals,
    group_bootstrap_intervals,
)
from emorec.labels import Targets

Probabilities = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class ClassScores:
    """Metrics of one class; precision, recall and F1 are 0 where they are undefined.

    Attributes:
        label: Name of the class.
        precision: Share of the images predicted as the class whose label it is.
        recall: Share of the images of the class that are predicted as it.
        f1: Harmonic mean of precision and recall.
        images: Number of images of the class.
        roc_auc: Area under the ROC curve, one class against the rest; None if all images or none
            are of the class.
    """

    label: str
    precision: float
    recall: float
    f1: float
    images: int
    roc_auc: float | None


@dataclass(frozen=True)
class Scores:
    """Metrics of a classifier on a split; intervals are 95 % bootstrap intervals.

    Attributes:
        images: Number of images.
        loss: Mean cross-entropy of the probabilities against the targets, in nats.
        accuracy: Share of images whose most probable class is the label.
        accuracy_interval: Interval of the accuracy.
        top2_accuracy: Share of images whose label is among the two most probable classes.
        macro_f1: Mean F1 of the classes that have images.
        macro_f1_interval: Interval of the macro F1.
        balanced_accuracy: Mean recall of the classes that have images.
        balanced_accuracy_interval: Interval of the balanced accuracy.
        per_class: One entry per class, in label order.
        confusion_matrix: Counts; rows are labels, columns predictions.
        calibration_error: Expected calibration error over 15 bins.
        resampled_groups: Number of groups (people, say) that the intervals resample as wholes;
            None where they resample images.
    """

    images: int
    loss: float
    accuracy: float
    accuracy_interval: Interval
    top2_accuracy: float
    macro_f1: float
    macro_f1_interval: Interval
    balanced_accuracy: float
    balanced_accuracy_interval: Interval
    per_class: tuple[ClassScores, ...]
    confusion_matrix: Counts
    calibration_error: float
    resampled_groups: int | None = None

    @property
    def majority(self) -> tuple[str, float]:
        """The most frequent label and its share: the accuracy of always predicting it."""
        largest = max(self.per_class, key=lambda entry: entry.images)
        return largest.label, largest.images / self.images

    @property
    def beats_majority(self) -> bool | None:
        """Whether the interval of the accuracy is above the share of the majority label.

        None if all images have one label.
        """
        share = self.majority[1]
        return None if share == 1 else self.accuracy_interval[0] > share

    @property
    def confusion_shares(self) -> npt.NDArray[np.float64]:
        """The confusion matrix with rows normalised to sum 1; rows without images stay 0."""
        counts = self.confusion_matrix
        return np.asarray(counts / counts.sum(axis=1, keepdims=True).clip(min=1))

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics as native types, for JSON."""
        return {
            **asdict(self),
            "majority_label": self.majority[0],
            "majority_share": self.majority[1],
            "beats_majority": self.beats_majority,
            "confusion_matrix": self.confusion_matrix.tolist(),
            "confusion_matrix_row_shares": self.confusion_shares.round(6).tolist(),
        }


def majority_problem(scores: Scores) -> str | None:
    """Describe a model that is not better than one that always predicts the majority label."""
    if scores.beats_majority is not False:
        return None
    label, share = scores.majority
    low, high = scores.accuracy_interval
    return (
        f"This model is not better than always predicting {label!r}, the label of {share:.1%} of "
        f"the images: its accuracy is {scores.accuracy:.1%} (95 % interval {low:.1%} to "
        f"{high:.1%})."
    )


def intervals_text(scores: Scores) -> str:
    """Describe how the intervals of metrics were computed, in one sentence."""
    units = "the images"
    if scores.resampled_groups is not None:
        units = f"the {scores.resampled_groups:,} groups (people, say), each with all its images"
    return f"Intervals are 95 % percentile intervals of {RESAMPLES:,} bootstrap samples of {units}."


def score(
    probabilities: Probabilities,
    targets: Targets,
    labels: tuple[str, ...],
    groups: npt.NDArray[np.str_] | None = None,
) -> Scores:
    """Compute the metrics of predictions.

    Args:
        probabilities: Shape (n, classes), rows sum to 1, n at least 1.
        targets: Shape (n, classes); the label of an image is its largest target.
        labels: Name of each class.
        groups: Group of each image (a person, say), shape (n,), which the intervals resample as
            wholes; an image with "" is a group of its own. Images are resampled without groups,
            and where all images are of one.
    """
    truth, predicted = targets.argmax(axis=1), probabilities.argmax(axis=1)
    confusion = confusion_matrix(truth, predicted, len(labels))
    members = None
    if groups is not None and (groups != "").any():
        members = number_groups(groups.tolist(), len(truth))
    resampled = 0 if members is None else int(members.max()) + 1
    precision, recall, f1, support = (values[0] for values in _by_class(confusion[None]))
    accuracy, macro_f1, balanced = _overall(confusion[None])[0].tolist()
    if members is not None and resampled > 1:
        parts = _confusion_matrices(truth, predicted, len(labels), members)
        intervals = group_bootstrap_intervals(parts, _overall)
    else:
        intervals = bootstrap_intervals(confusion, _overall)
    likelihood = np.log(np.maximum(probabilities.astype(np.float64), 1e-12))
    top2 = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    return Scores(
        images=len(truth),
        loss=float(-(targets * likelihood).sum(axis=1).mean()),
        accuracy=accuracy,
        accuracy_interval=intervals[0],
        top2_accuracy=float((top2 == truth[:, None]).any(axis=1).mean()),
        macro_f1=macro_f1,
        macro_f1_interval=intervals[1],
        balanced_accuracy=balanced,
        balanced_accuracy_interval=intervals[2],
        per_class=tuple(
            ClassScores(
                label,
                float(precision[index]),
                float(recall[index]),
                float(f1[index]),
                int(support[index]),
                roc_auc(probabilities[:, index], truth == index),
            )
            for index, label in enumerate(labels)
        ),
        confusion_matrix=confusion,
        calibration_error=expected_calibration_error(reliability(probabilities, targets)),
        resampled_groups=resampled if resampled > 1 else None,
    )


def confusion_matrix(
    truth: npt.NDArray[np.intp], predicted: npt.NDArray[np.intp], classes: int
) -> Counts:
    """Count the images by label (rows) and prediction (columns)."""
    counts = np.bincount(truth * classes + predicted, minlength=classes**2)
    return counts.reshape(classes, classes).astype(np.int64)


def _confusion_matrices(
    truth: npt.NDArray[np.intp],
    predicted: npt.NDArray[np.intp],
    classes: int,
    members: npt.NDArray[np.intp],
) -> Counts:
    """Count the images of each group by label and prediction, shape (groups, classes, classes)."""
    cells = (members * classes + truth) * classes + predicted
    count = int(members.max()) + 1
    counts = np.bincount(cells, minlength=count * classes**2)
    return counts.reshape(count, classes, classes).astype(np.int64)


def roc_auc(scores: npt.NDArray[np.floating[Any]], positive: npt.NDArray[np.bool_]) -> float | None:
    """Compute the area under the ROC curve.

    It is the share of pairs of a positive and a negative image in which the positive one has the
    higher score, ties counting half, and follows from the sum of ranks (Hanley and McNeil 1982;
    Mann and Whitney's U).

    Args:
        scores: Shape (n,).
        positive: Whether each image is of the class, shape (n,).

    Returns:
        None if all images are positive or none is.
    """
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return None
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (counts.cumsum() - (counts - 1) / 2)[place]
    wins = ranks[positive].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * negatives))


def _by_class(confusion: Counts) -> tuple[npt.NDArray[Any], ...]:
    """Return precision, recall, F1 and images by class, each (m, c), of matrices (m, c, c)."""
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    support, chosen = confusion.sum(axis=2), confusion.sum(axis=1)
    precision = hits / np.maximum(chosen, 1)
    recall = hits / np.maximum(support, 1)
    return precision, recall, 2 * hits / np.maximum(support + chosen, 1), support


def _overall(confusion: Counts) -> npt.NDArray[np.float64]:
    """Return accuracy, macro F1 and balanced accuracy, shape (m, 3), of matrices (m, c, c)."""
    _, recall, f1, support = _by_class(confusion)
    hits = np.trace(confusion, axis1=1, axis2=2)
    # Classes without images are excluded from the means.
    present = support > 0
    classes = present.sum(axis=1)
    return np.stack(
        [
            hits / support.sum(axis=1),
            (f1 * present).sum(axis=1) / classes,
            (recall * present).sum(axis=1) / classes,
        ],
        axis=1,
    )
