"""Agreement of a classifier with the annotators, and its metrics by group."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emorec.errors import ConfigError
from emorec.evaluation.metrics import Probabilities, score
from emorec.evaluation.significance import Interval
from emorec.labels import Targets, Votes, soft_targets_from_votes

_EDGES = (0.0, 0.6, 0.7, 0.8, 0.9, 1.0)

MAX_GROUPS = 50
"""A column with more distinct values holds names rather than groups."""


@dataclass(frozen=True)
class AgreementBin:
    """Images whose most frequent vote has a share within one bin.

    Attributes:
        lowest: Lower edge of the bin, inclusive.
        below: Upper edge, exclusive; None for the last bin, in which all annotators agree.
        images: Number of images.
        accuracy: Accuracy of the model on them.
    """

    lowest: float
    below: float | None
    images: int
    accuracy: float


@dataclass(frozen=True)
class VoteAgreement:
    """Agreement of a model's probabilities with the votes.

    Attributes:
        images: Number of images whose most frequent vote is one of the classes.
        divergence: Mean Kullback-Leibler divergence of the probabilities from the shares of the
            votes among the classes, in nats.
        bins: Accuracy by agreement of the annotators; bins without images are omitted.
    """

    images: int
    divergence: float
    bins: tuple[AgreementBin, ...]


def vote_agreement(
    probabilities: Probabilities, targets: Targets, votes: Votes, classes: int
) -> VoteAgreement | None:
    """Compare probabilities with the votes of the annotators.

    Args:
        probabilities: Shape (n, classes), columns in canonical order.
        targets: Shape (n, classes); the label of an image is its largest target.
        votes: Counts, shape (n, 10), columns in `emorec.labels.VOTE_CLASSES` order.
        classes: 7 or 8.

    Returns:
        None if no image has one of the classes as its most frequent vote.
    """
    shares = soft_targets_from_votes(votes, "dominant", classes).astype(np.float64)
    voted = shares.sum(axis=1) > 0
    if not voted.any():
        return None
    shares, predicted = shares[voted], probabilities[voted].astype(np.float64)
    ratio = np.where(shares > 0, shares, 1) / np.maximum(predicted, 1e-12)
    divergence = (shares * np.log(ratio)).sum(axis=1).mean()
    agreement = (votes[:, :classes].max(axis=1) / votes.sum(axis=1).clip(min=1))[voted]
    correct = (probabilities.argmax(axis=1) == targets.argmax(axis=1))[voted]
    number = np.searchsorted(_EDGES, agreement, side="right") - 1
    bins = []
    for index, lowest in enumerate(_EDGES):
        inside = number == index
        if inside.any():
            below = _EDGES[index + 1] if index + 1 < len(_EDGES) else None
            accuracy = float(correct[inside].mean())
            bins.append(AgreementBin(lowest, below, int(inside.sum()), accuracy))
    return VoteAgreement(int(voted.sum()), float(divergence), tuple(bins))


@dataclass(frozen=True)
class GroupScores:
    """Metrics of the images with one value in a column of the manifest."""

    group: str
    images: int
    accuracy: float
    accuracy_interval: Interval
    balanced_accuracy: float


def group_scores(
    probabilities: Probabilities,
    targets: Targets,
    labels: tuple[str, ...],
    groups: npt.NDArray[np.str_],
) -> tuple[GroupScores, ...]:
    """Compute the metrics of each group, in the order of the groups' names.

    Args:
        probabilities: Shape (n, classes).
        targets: Shape (n, classes).
        labels: Name of each class.
        groups: Group of each image, shape (n,).

    Raises:
        ConfigError: There are more than `MAX_GROUPS` groups.
    """
    names = np.unique(groups).tolist()
    if len(names) > MAX_GROUPS:
        raise ConfigError(
            f"the group column has {len(names)} values; at most {MAX_GROUPS} can be compared"
        )
    found = []
    for name in names:
        inside = groups == name
        scores = score(probabilities[inside], targets[inside], labels)
        found.append(
            GroupScores(
                name,
                scores.images,
                scores.accuracy,
                scores.accuracy_interval,
                scores.balanced_accuracy,
            )
        )
    return tuple(found)
