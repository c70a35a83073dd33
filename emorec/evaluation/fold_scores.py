"""Figures of a cross-validation: of each fold, over all folds, and of the worst people."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.evaluation.assessment import Evaluation
from emorec.evaluation.metrics import ClassScores, score

WORST_GROUPS = 10
"""Number of groups with the lowest accuracy to list."""

FIGURES = ("accuracy", "balanced_accuracy", "macro_f1")
"""Figures of a fold whose mean and standard deviation over the folds are reported."""


@dataclass(frozen=True)
class EpochChoice:
    """Numbers of epochs that the folds chose.

    Attributes:
        of_folds: For the predictions of each fold, from 1; the other folds chose it.
        final: For the model trained on all images, from 1; all folds chose it.
    """

    of_folds: tuple[int, ...]
    final: int


def choose_epochs(correct: npt.NDArray[np.intp]) -> EpochChoice:
    """Choose numbers of epochs without a look at the images on which they are reported.

    The best epoch of a fold on its own images is a choice by the very labels that are then
    reported, and too optimistic. So the epoch of a fold is the one with the most correct
    predictions of all other folds together, each on its own images, and the number of epochs of the
    final model is the one with the most correct predictions of all folds. Of equal ones the last
    counts, which is the nearest to the end of the learning-rate schedule.

    Args:
        correct: Number of correct predictions of each fold on its own images after each epoch,
            shape (folds, epochs), 2 folds or more.
    """
    total = correct.sum(axis=0, keepdims=True)
    epochs = correct.shape[1]
    # argmax returns the first of equal ones.
    others, final = (epochs - sums[:, ::-1].argmax(axis=1) for sums in (total - correct, total))
    return EpochChoice(tuple(others.tolist()), int(final[0]))


@dataclass(frozen=True)
class FoldScores:
    """Metrics of the model of one fold on the images of the fold, which it was not trained on.

    Attributes:
        fold: Number of the fold, from 1.
        images: Number of its images.
        groups: Number of its groups; None without groups.
        epoch: Number of epochs that the other folds chose.
        accuracy: Share of correct predictions.
        balanced_accuracy: Mean recall of the classes that have images in the fold.
        macro_f1: Mean F1 of these classes.
    """

    fold: int
    images: int
    groups: int | None
    epoch: int
    accuracy: float
    balanced_accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class GroupAccuracy:
    """Accuracy on the images of one group (a person, say)."""

    group: str
    images: int
    accuracy: float


@dataclass(frozen=True)
class CrossValidation:
    """Figures of a cross-validation.

    Attributes:
        evaluation: Metrics of all predictions together, each image classified by the model of its
            fold. The intervals resample groups where there are any.
        fold_of_image: Number of the fold of each image, from 1, shape (n,).
        folds: Metrics of each fold.
        epochs: Number of epochs of the final model.
        accuracies: Accuracy of each fold on its own images after each epoch, shape (folds, epochs).
        worst_groups: Groups with the lowest accuracy, the lowest first; empty without groups.
    """

    evaluation: Evaluation
    fold_of_image: npt.NDArray[np.intp]
    folds: tuple[FoldScores, ...]
    epochs: int
    accuracies: npt.NDArray[np.float64]
    worst_groups: tuple[GroupAccuracy, ...]

    @property
    def worst_class(self) -> ClassScores:
        """The class with the lowest recall among those that have images."""
        found = [entry for entry in self.evaluation.scores.per_class if entry.images]
        return min(found, key=lambda entry: entry.recall)

    def mean(self, figure: str) -> float:
        """Return the mean of one of `FIGURES` over the folds, which count equally."""
        return statistics.fmean(getattr(fold, figure) for fold in self.folds)

    def deviation(self, figure: str) -> float:
        """Return the standard deviation of one of `FIGURES` over the folds (of a sample)."""
        return float(statistics.stdev(getattr(fold, figure) for fold in self.folds))

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as native types, for JSON."""
        means = {
            name: {"mean": self.mean(name), "standard_deviation": self.deviation(name)}
            for name in FIGURES
        }
        return {
            "epochs": self.epochs,
            "over_folds": means,
            "folds": [asdict(fold) for fold in self.folds],
            "accuracy_by_epoch": self.accuracies.mean(axis=0).round(6).tolist(),
            "worst_groups": [asdict(entry) for entry in self.worst_groups],
            "worst_class": asdict(self.worst_class),
            "pooled": self.evaluation.to_dict(),
        }


def cross_validation(
    evaluation: Evaluation,
    fold_of_image: npt.NDArray[np.intp],
    choice: EpochChoice,
    accuracies: npt.NDArray[np.float64],
) -> CrossValidation:
    """Compute the figures of a cross-validation.

    Args:
        evaluation: Metrics of all predictions together.
        fold_of_image: Number of the fold of each of its images, from 1, shape (n,).
        choice: Numbers of epochs.
        accuracies: Accuracy of each fold on its own images after each epoch, shape (folds, epochs).
    """
    examples = evaluation.examples
    folds = []
    for fold, epoch in enumerate(choice.of_folds, 1):
        inside = fold_of_image == fold
        groups = None if examples.groups is None else examples.groups[inside]
        scores = score(
            evaluation.probabilities[inside], examples.targets[inside], examples.class_names
        )
        count = None if groups is None else len(set(groups[groups != ""].tolist()))
        figures = (scores.accuracy, scores.balanced_accuracy, scores.macro_f1)
        folds.append(FoldScores(fold, scores.images, count, epoch, *figures))
    return CrossValidation(
        evaluation,
        fold_of_image,
        tuple(folds),
        choice.final,
        accuracies,
        _worst_groups(examples.groups, evaluation.correct),
    )


def _worst_groups(
    groups: npt.NDArray[np.str_] | None, correct: npt.NDArray[np.bool_]
) -> tuple[GroupAccuracy, ...]:
    """Find the groups with the lowest accuracy, of equal ones the larger first."""
    names: Sequence[str] = () if groups is None else sorted(set(groups.tolist()) - {""})
    found = []
    for name in names:
        inside = correct[groups == name]
        found.append(GroupAccuracy(name, len(inside), float(inside.mean())))
    found.sort(key=lambda entry: (entry.accuracy, -entry.images, entry.group))
    return tuple(found[:WORST_GROUPS])
