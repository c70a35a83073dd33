"""How a classifier agrees with the people who voted, and how it fares on parts of a split."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emorec.errors import ConfigError
from emorec.evaluation.metrics import Probabilities, score
from emorec.evaluation.significance import Interval
from emorec.labels import Targets, Votes, soft_targets_from_votes

_EDGES = (0.0, 0.6, 0.7, 0.8, 0.9, 1.0)

MAX_GROUPS = 50
"""More values than that are no groups but names."""


@dataclass(frozen=True)
class AgreementBin:
    """Images on whose most frequent choice a share of the voters agree.

    Attributes:
        lowest: Least share of the votes, included.
        below: Share that ends the bin; 1 in the last but one, None in the last, where all agree.
        images: Number of images.
        accuracy: Share of them that the model gets right.
    """

    lowest: float
    below: float | None
    images: int
    accuracy: float


@dataclass(frozen=True)
class VoteAgreement:
    """A model against the votes.

    Attributes:
        images: Those whose most frequent choice is one of the classes.
        divergence: Mean Kullback-Leibler divergence of the probabilities from the shares of the
            votes among the classes, in nats.
        bins: By agreement of the voters; bins without images are left out.
    """

    images: int
    divergence: float
    bins: tuple[AgreementBin, ...]


def vote_agreement(
    probabilities: Probabilities, targets: Targets, votes: Votes, classes: int
) -> VoteAgreement | None:
    """Compare probabilities with the votes that the labels come from.

    Args:
        probabilities: Shape (n, classes), columns in canonical order.
        targets: Shape (n, classes); the label of an image is its largest target.
        votes: Counts, shape (n, 10), columns in `emorec.labels.VOTE_CLASSES` order.
        classes: 7 or 8.

    Returns:
        None if the most frequent choice is one of the classes for no image.
    """
    shares = soft_targets_from_votes(votes, "dominant", classes).astype(np.float64)
    voted = shares.sum(axis=1) > 0
    if not voted.any():
        return None
    shares, given = shares[voted], probabilities[voted].astype(np.float64)
    ratio = np.where(shares > 0, shares, 1) / np.maximum(given, 1e-12)
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
    """Figures of the images that have one value in a column of the manifest."""

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
    """Measure the images of each group, in the order of the groups' names.

    Args:
        probabilities: Shape (n, classes).
        targets: Shape (n, classes).
        labels: Name of each class.
        groups: Shape (n,): group of each image.

    Raises:
        ConfigError: There are more than `MAX_GROUPS`.
    """
    names = np.unique(groups).tolist()
    if len(names) > MAX_GROUPS:
        raise ConfigError(
            f"the column of groups has {len(names)} values; at most {MAX_GROUPS} can be compared"
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
