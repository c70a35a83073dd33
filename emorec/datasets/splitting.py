"""Splits images into train, validation and test where a data set has no such split."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from emorec.datasets.readers.rows import SPLITS
from emorec.labels import EMOTIONS_8

Labels = npt.NDArray[np.str_]


def ordered(labels: set[str]) -> tuple[str, ...]:
    """Order class names: canonical emotions first, in canonical order, then others by name."""
    known = [name for name in EMOTIONS_8 if name in labels]
    return (*known, *sorted(labels - set(known)))


def stratified(labels: Sequence[str] | Labels, share: float, seed: int) -> npt.NDArray[np.intp]:
    """Choose about the same share of every class; deterministic for a seed.

    Args:
        labels: Label of each image, in a fixed order.
        share: Share of each class to choose, 0 to 1.
        seed: Seed of the random choice.

    Returns:
        Indices of the chosen images, sorted.
    """
    column = np.array(labels, np.str_)
    generator = np.random.default_rng(seed)
    chosen = [np.empty(0, np.intp)]
    for name in ordered(set(column.tolist())):
        members = np.flatnonzero(column == name)
        chosen.append(generator.permutation(members)[: round(len(members) * share)])
    return np.sort(np.concatenate(chosen))


def stratified_splits(
    labels: Sequence[str], validation: float, test: float, seed: int
) -> list[str]:
    """Assign a split to each image, with about the same shares of every class."""
    splits = np.full(len(labels), SPLITS[0], "U10")
    splits[stratified(labels, test, seed)] = SPLITS[2]
    rest = np.flatnonzero(splits == SPLITS[0])
    column = np.array(labels, np.str_)[rest]
    share = validation / (1 - test)
    splits[rest[stratified(column, share, seed)]] = SPLITS[1]
    return [str(split) for split in splits]


def grouped_splits(groups: Sequence[str], validation: float, test: float, seed: int) -> list[str]:
    """Assign a split to each image so that no group (a person, say) is in two splits.

    Groups are assigned from the largest to the smallest, equal ones in random order, each to the
    split that lacks most images; the shares are exact to within half of a large group.
    """
    names, members = np.unique(np.array(groups, np.str_), return_inverse=True)
    sizes = np.bincount(members, minlength=len(names)) if len(names) else np.empty(0, np.intp)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    lacking = np.array([1 - validation - test, validation, test]) * len(groups)
    place = np.empty(len(names), np.intp)
    for group in order:
        place[group] = lacking.argmax()
        lacking[place[group]] -= sizes[group]
    return [SPLITS[split] for split in place[members]] if len(names) else []
