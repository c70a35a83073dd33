"""Figures of a classifier on labelled images."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.evaluation.calibration import expected_calibration_error, reliability
from emorec.labels import Targets

Probabilities = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class ClassScores:
    """Figures of one class; precision, recall and F1 are 0 where they are undefined."""

    label: str
    precision: float
    recall: float
    f1: float
    images: int


@dataclass(frozen=True)
class Scores:
    """Figures of a classifier on a split.

    Attributes:
        images: Number of images.
        loss: Mean cross-entropy of the probabilities against the targets, in nats.
        accuracy: Share of images whose most probable class is the label.
        macro_f1: Mean F1 of the classes that have images.
        balanced_accuracy: Mean recall of the classes that have images.
        per_class: One entry per class, in label order.
        confusion_matrix: Counts; rows are labels, columns predictions.
        calibration_error: Expected calibration error over 15 bins.
    """

    images: int
    loss: float
    accuracy: float
    macro_f1: float
    balanced_accuracy: float
    per_class: tuple[ClassScores, ...]
    confusion_matrix: npt.NDArray[np.int64]
    calibration_error: float

    def to_dict(self) -> dict[str, Any]:
        """Give the figures as native types, for JSON."""
        return {**asdict(self), "confusion_matrix": self.confusion_matrix.tolist()}


def score(probabilities: Probabilities, targets: Targets, labels: tuple[str, ...]) -> Scores:
    """Measure predictions.

    Args:
        probabilities: Shape (n, classes), rows sum to 1, n at least 1.
        targets: Shape (n, classes); the label of an image is its largest target.
        labels: Name of each class.
    """
    truth, predicted = targets.argmax(axis=1), probabilities.argmax(axis=1)
    classes = len(labels)
    confusion = np.bincount(truth * classes + predicted, minlength=classes**2)
    confusion = confusion.reshape(classes, classes).astype(np.int64)
    hits = np.diag(confusion)
    support, chosen = confusion.sum(axis=1), confusion.sum(axis=0)
    precision = hits / np.maximum(chosen, 1)
    recall = hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(support + chosen, 1)
    present = support > 0
    likelihood = np.log(np.maximum(probabilities.astype(np.float64), 1e-12))
    return Scores(
        images=len(truth),
        loss=float(-(targets * likelihood).sum(axis=1).mean()),
        accuracy=float((truth == predicted).mean()),
        macro_f1=float(f1[present].mean()),
        balanced_accuracy=float(recall[present].mean()),
        per_class=tuple(
            ClassScores(label, float(p), float(r), float(f), int(n))
            for label, p, r, f, n in zip(labels, precision, recall, f1, support, strict=True)
        ),
        confusion_matrix=confusion,
        calibration_error=expected_calibration_error(reliability(probabilities, targets)),
    )
