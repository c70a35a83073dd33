"""The canonical emotions, their names in data sets, and the FER+ vote policies.

A vote array has shape (n, 10), int64 counts, columns in `VOTE_CLASSES` order: the column order of
fer2013new.csv, which also breaks ties. A target array has shape (n, classes), float32, columns in
canonical order; each row sums to 1, or is all zero if the policy assigns no label to the image. The
rules follow Microsoft's FER+ protocol (Barsoum et al. 2016, "Training Deep
Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution").
"""

import unicodedata
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from emorec.errors import ConfigError, DataError
from emorec.suggestions import unknown_name

EMOTIONS_7 = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
EMOTIONS_8 = (*EMOTIONS_7, "contempt")

FERPLUS_COLUMNS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
"""Vote columns of fer2013new.csv, in file order ("NF": not a face)."""

VOTE_CLASSES = (
    "neutral",
    "happy",
    "surprise",
    "sad",
    "angry",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "not_face",
)
"""The same columns under their canonical names."""

FER2013_EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Emotions of the numbers 0 to 6 in fer2013.csv."""

_SYNONYMS = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "afraid": "fear",
    "scared": "fear",
    "happiness": "happy",
    "joy": "happy",
    "neutrality": "neutral",
    "sadness": "sad",
    "surprised": "surprise",
    "contemptuous": "contempt",
}

Votes = npt.NDArray[np.int64]
Targets = npt.NDArray[np.float32]


def canonical_emotion(name: str) -> str:
    """Return the canonical name of an emotion as spelt in a data set.

    Args:
        name: A name such as "Happiness" or "anger"; case and surrounding blanks are ignored.

    Raises:
        DataError: The name is unknown.
    """
    key = name.strip().lower()
    key = _SYNONYMS.get(key, key)
    if key not in EMOTIONS_8:
        known = ", ".join(sorted((*EMOTIONS_8, *_SYNONYMS)))
        raise DataError(f"unknown emotion name {name!r}; known names: {known}")
    return key


def is_emotion_name(name: str) -> bool:
    """Return whether `canonical_emotion` knows a name."""
    key = name.strip().lower()
    return key in EMOTIONS_8 or key in _SYNONYMS


def label_key(label: str) -> str:
    """Return the form of a label by which the labels of two models are compared.

    Two labels are the same if their keys are: case, surrounding blanks and the spelling of an
    emotion ("Anger", "angry") do not count.

    Args:
        label: Any label.
    """
    key = label.strip().casefold()
    return _SYNONYMS.get(key, key)


def emotions(classes: int) -> tuple[str, ...]:
    """Return the canonical emotions, in order, for 7 or 8 classes.

    Raises:
        ConfigError: `classes` is neither 7 nor 8.
    """
    if classes == 7:
        return EMOTIONS_7
    if classes == 8:
        return EMOTIONS_8
    raise ConfigError(f"the number of classes must be 7 or 8; received {classes}")


def _cleaned(votes: Votes) -> npt.NDArray[np.float64]:
    """Set single votes to 0 in all ten columns, because FER+ treats them as noise."""
    counts = votes.astype(np.float64)
    counts[votes <= 1] = 0
    return counts


def _one_hot(winner: npt.NDArray[np.intp], kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Set the winning column of each kept row to 1; shape (n, 10)."""
    columns = np.arange(len(VOTE_CLASSES))
    won: npt.NDArray[np.bool_] = (columns == winner[:, None]) & kept[:, None]
    return won.astype(np.float64)


def _majority(votes: Votes, classes: int) -> npt.NDArray[np.float64]:
    counts = _cleaned(votes)
    winner = counts.argmax(axis=1)
    return _one_hot(winner, counts.max(axis=1) > 0.5 * counts.sum(axis=1))


def _dominant(votes: Votes, classes: int) -> npt.NDArray[np.float64]:
    return _one_hot(votes.argmax(axis=1), votes.sum(axis=1) > 0)


def _emotion_first(votes: Votes, classes: int) -> npt.NDArray[np.float64]:
    others = votes[:, 1:classes]
    runner_up = 1 + others.argmax(axis=1)
    winner = votes.argmax(axis=1)
    winner = np.where((winner == 0) & (others.max(axis=1) > 0), runner_up, winner)
    return _one_hot(winner, votes.sum(axis=1) > 0)


def _crossentropy(votes: Votes, classes: int) -> npt.NDArray[np.float64]:
    """Return the votes of the leading emotions; tied counts are taken together."""
    remaining = _cleaned(votes)
    total = remaining.sum(axis=1)
    taken = np.zeros_like(remaining)
    running = np.ones(len(remaining), bool)
    while True:
        running &= (taken.sum(axis=1) < 0.75 * total) & ((taken > 0).sum(axis=1) < 3)
        if not running.any():
            break
        top = remaining.max(axis=1)
        tied = running[:, None] & (remaining == top[:, None])
        emotion_tied, other_tied = tied[:, :8], tied[:, 8:].any(axis=1)
        taken[:, :8] += np.where(emotion_tied, remaining[:, :8], 0)
        # unknown or NF is taken only if it leads, and ends the loop either way.
        leads = other_tied & (taken.sum(axis=1) == 0)
        taken[:, 8] += np.where(leads, top, 0)
        remaining = np.where(tied, 0, remaining)
        running &= ~other_tied
    kept = (taken.sum(axis=1) > 0.5 * total) & ((taken > 0).sum(axis=1) <= 3) & (taken[:, 8] == 0)
    return np.where(kept[:, None], taken, 0)


def _multi_target(votes: Votes, classes: int) -> npt.NDArray[np.float64]:
    counts = _cleaned(votes)
    total = counts.sum(axis=1)
    taken = np.where(counts >= 0.3 * total[:, None], counts, 0)
    kept = (taken.sum(axis=1) > 0.5 * total) & (taken.argmax(axis=1) < 8)
    return np.where(kept[:, None], taken, 0)


_POLICIES: dict[str, Callable[[Votes, int], npt.NDArray[np.float64]]] = {
    "majority": _majority,
    "dominant": _dominant,
    "emotion-first": _emotion_first,
    "crossentropy": _crossentropy,
    "probability": _crossentropy,
    "multi-target": _multi_target,
}

POLICIES = tuple(_POLICIES)

_KEPT_AS_ONE_HOT = ("majority", "dominant", "emotion-first")


def _taken(votes: Votes, policy: str, classes: int) -> npt.NDArray[np.float64]:
    """Return the votes that a policy takes, of the kept classes, in `VOTE_CLASSES` order."""
    if policy not in _POLICIES:
        raise ConfigError(unknown_name("vote policy", policy, POLICIES))
    kept = len(emotions(classes))
    return _POLICIES[policy](votes, classes)[:, :kept]


def _normalised(shares: npt.NDArray[np.float64], classes: int) -> Targets:
    """Reorder columns canonically and normalise each row to sum 1; all-zero rows stay."""
    order = [VOTE_CLASSES.index(name) for name in emotions(classes)]
    total = shares.sum(axis=1, keepdims=True)
    return (shares / np.where(total > 0, total, 1))[:, order].astype(np.float32)


def targets_from_votes(votes: Votes, policy: str, classes: int) -> Targets:
    """Convert votes to targets by a vote policy.

    Args:
        votes: Counts, shape (n, 10), columns in `VOTE_CLASSES` order.
        policy: One of `POLICIES`. majority, dominant and emotion-first return one-hot rows;
            crossentropy and probability return the same distribution; multi-target returns equal
            shares of the labels that are equally right.
        classes: 7 or 8. With seven, contempt is removed after the policy is applied, and the rest
            of a distribution is renormalised.

    Returns:
        Targets, shape (n, classes); an all-zero row is an image without a label.

    Raises:
        ConfigError: The policy or the number of classes is unknown.
    """
    taken = _taken(votes, policy, classes)
    if policy == "multi-target":
        taken = (taken > 0).astype(np.float64)
    return _normalised(taken, classes)


def labels_from_votes(votes: Votes, policy: str, classes: int) -> npt.NDArray[np.intp]:
    """Return the single label of each image under a policy: its largest share.

    Returns:
        Indices into `emotions(classes)`, shape (n,); -1 for an image without a label.

    Args and Raises as for `targets_from_votes`.
    """
    taken = _taken(votes, policy, classes)
    names = emotions(classes)
    order = np.array([names.index(name) for name in VOTE_CLASSES[:classes]])
    return np.where(taken.sum(axis=1) > 0, order[taken.argmax(axis=1)], -1)


def soft_targets_from_votes(votes: Votes, policy: str, classes: int) -> Targets:
    """Return the vote distribution of each image that the policy keeps.

    For crossentropy, probability and multi-target this is `targets_from_votes`; for the one-hot
    policies it is the share of all votes among the kept classes.

    Args and Raises as for `targets_from_votes`.
    """
    if policy not in _KEPT_AS_ONE_HOT:
        return targets_from_votes(votes, policy, classes)
    kept = _taken(votes, policy, classes).sum(axis=1, keepdims=True) > 0
    return _normalised(votes[:, :classes] * kept.astype(np.float64), classes)


def is_printable(label: str) -> bool:
    """Check that a label has no control characters, line breaks or lone surrogates.

    Such a label breaks tables, CSV headers and UTF-8 files.
    """
    return not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in label)
