"""Agreement of a classifier with the annotators."""

from dataclasses import dataclass

import numpy as np

from emorec.evaluation.metrics import Probabilities
from emorec.labels import Targets, Votes, soft_targets_from_votes

_EDGES = (0.0, 0.6, 0.7, 0.8, 0.9, 1.0)


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
