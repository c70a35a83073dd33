"""Compares the labels of a data set with the answers of a model to find label errors."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.datasets.label_review import LabelDoubt
from emorec.datasets.manifest import PreparedDataset
from emorec.datasets.readers.rows import TRAIN
from emorec.errors import DataError
from emorec.evaluation.confident_learning import LabelNoise, find_label_noise
from emorec.evaluation.evaluate import evaluate
from emorec.evaluation.metrics import Probabilities
from emorec.labels import VOTE_CLASSES
from emorec.threads import ProgressCallback

DOUBT = "the model disagrees"
"""Reason of a `LabelDoubt`."""

ALL = "all"
"""Stands for all splits."""

_LISTED_PAIRS = 10


@dataclass(frozen=True)
class ModelAnswers:
    """Probabilities of a model for labelled images of a data set.

    Attributes:
        model: Name of the model.
        rows: Index of each image in the data set, shape (n,).
        probabilities: Shape (n, classes), columns as the class names of the data set.
        out_of_fold: Each image was classified by a model of a cross-validation that was not
            trained on it.
        unanswered: Number of labelled images of the chosen splits without an answer.
    """

    model: str
    rows: npt.NDArray[np.intp]
    probabilities: Probabilities
    out_of_fold: bool = False
    unanswered: int = 0


@dataclass(frozen=True)
class LabelErrors:
    """Probable label errors of a data set.

    Attributes:
        data: The data set.
        answers: Answers of the model.
        noise: What confident learning finds; its indices are those of `answers`.
        split: A split, or `ALL`.
    """

    data: PreparedDataset
    answers: ModelAnswers
    noise: LabelNoise
    split: str

    @property
    def doubts(self) -> list[LabelDoubt]:
        """The suspects, worst first, with the model's answer as suggestion."""
        names = self.data.class_names
        found = []
        for index in self.noise.suspects:
            row = self.answers.rows[index]
            shares = self.answers.probabilities[index]
            answer, label = names[int(shares.argmax())], str(self.data.labels[row])
            found.append(
                LabelDoubt(
                    str(self.data.paths[row]),
                    DOUBT,
                    answer,
                    answer,
                    float(shares.max()),
                    float(shares[names.index(label)]),
                    float(self.noise.disagreement[index]),
                )
            )
        return found

    @property
    def agreement(self) -> float:
        """Share of the images whose label is the most probable class."""
        names = np.array(self.data.class_names)
        found = names[self.answers.probabilities.argmax(axis=1)]
        return float((found == self.data.labels[self.answers.rows]).mean())

    @property
    def pairs(self) -> list[tuple[str, str, float]]:
        """Label, true class and estimated number of errors of the most frequent confusions."""
        names, estimated = self.data.class_names, self.noise.estimated
        found = [
            (names[row], names[column], float(estimated[row, column]))
            for row in range(len(names))
            for column in range(len(names))
            if row != column and estimated[row, column] >= 0.5
        ]
        return sorted(found, key=lambda pair: -pair[2])[:_LISTED_PAIRS]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as native types, for report.json."""
        names = self.data.class_names
        splits = dict(zip(self.data.paths.tolist(), self.data.splits.tolist(), strict=True))
        labels = dict(zip(self.data.paths.tolist(), self.data.labels.tolist(), strict=True))
        noise = self.noise
        return {
            "model": self.answers.model,
            "out_of_fold": self.answers.out_of_fold,
            "split": self.split,
            "images": len(self.answers.rows),
            "images_without_answer": self.answers.unanswered,
            "agreement": round(self.agreement, 6),
            "estimated_errors": round(noise.errors, 2),
            "thresholds": {
                name: None if np.isnan(value) else round(float(value), 6)
                for name, value in zip(names, noise.thresholds, strict=True)
            },
            "confident_joint": noise.confident_joint.tolist(),
            "estimated_joint": noise.estimated.round(2).tolist(),
            "pairs": [
                {"label": label, "class": other, "images": round(count, 2)}
                for label, other, count in self.pairs
            ],
            "suspects": [
                {
                    "path": doubt.path,
                    "split": splits[doubt.path],
                    "label": labels[doubt.path],
                    "answer": doubt.answer,
                    "probability": doubt.probability,
                    "probability_of_label": doubt.probability_of_label,
                    "disagreement": doubt.disagreement,
                }
                for doubt in self.doubts
            ],
        }


def labelled_rows(
    data: PreparedDataset, split: str, unreadable: Collection[str]
) -> npt.NDArray[np.intp]:
    """Return the rows of the readable images of a split that have a label.

    Args:
        data: The data set.
        split: A split, or `ALL`.
        unreadable: Paths of the images that cannot be read.

    Raises:
        DataError: There is none.
    """
    chosen = np.isin(data.labels, data.class_names) & ~np.isin(data.paths, list(unreadable))
    if split != ALL:
        chosen &= data.splits == split
    if not chosen.any():
        where = "no readable image has a label" if split == ALL else f"none of the split {split}"
        raise DataError(f"{data.root}: no labels to compare with a model: {where}")
    return np.flatnonzero(chosen)


def answers_of_model(
    model: Path,
    data: PreparedDataset,
    split: str,
    unreadable: Collection[str],
    progress: ProgressCallback | None = None,
) -> ModelAnswers:
    """Classify the labelled images of a data set.

    Args:
        model: A model file.
        data: The data set.
        split: A split, or `ALL`.
        unreadable: Paths of the images that cannot be read.
        progress: Called at intervals with the number of images done and their total.

    Raises:
        ConfigError: The classes of the model and of the data differ.
        DataError: There is no labelled image.
        ModelError: The model is missing or damaged.
    """
    rows = labelled_rows(data, split, unreadable)
    part = replace(
        data,
        paths=data.paths[rows],
        splits=np.full(len(rows), TRAIN),
        labels=data.labels[rows],
        votes=None,  # the labels of the manifest count, whatever the votes are
        groups=None,
    )
    # An adjusted model would predict rare classes more often than they occur.
    (found,) = evaluate([model], part, TRAIN, prior=0.0, progress=progress)
    return ModelAnswers(found.metadata.name, rows, found.probabilities)


def find_label_errors(data: PreparedDataset, answers: ModelAnswers, split: str) -> LabelErrors:
    """Find the labels that are probably wrong; see `emorec.evaluation.confident_learning`.

    Args:
        data: The data set; votes, where it has them, rank the images.
        answers: Answers of a model.
        split: A split, or `ALL`.
    """
    names = data.class_names
    labels = np.array([names.index(label) for label in data.labels[answers.rows]], np.intp)
    noise = find_label_noise(answers.probabilities, labels, _vote_shares(data, answers.rows))
    return LabelErrors(data, answers, noise, split)


def _vote_shares(
    data: PreparedDataset, rows: npt.NDArray[np.intp]
) -> npt.NDArray[np.float32] | None:
    """Return the shares of the votes on each class; None without votes."""
    if data.votes is None:
        return None
    votes = data.votes[rows][:, [VOTE_CLASSES.index(name) for name in data.class_names]]
    own = data.labels[rows][:, None] == np.array(data.class_names)
    votes = np.where(votes.any(axis=1, keepdims=True), votes, own)
    return np.asarray(votes / votes.sum(axis=1, keepdims=True), np.float32)
