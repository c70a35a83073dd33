"""Divides images into train, validation and test where a data set has not done so itself."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from emorec.datasets.readers.rows import SPLITS
from emorec.labels import EMOTIONS_8

Labels = npt.NDArray[np.str_]


def ordered(labels: set[str]) -> tuple[str, ...]:
    """Order class names: canonical emotions canonically, then others by name."""
    known = [name for name in EMOTIONS_8 if name in labels]
    return (*known, *sorted(labels - set(known)))


def stratified(labels: Sequence[str] | Labels, share: float, seed: int) -> npt.NDArray[np.intp]:
    """Choose about the same share of every class, the same images at every call.

    Args:
        labels: Label of each image, in a fixed order.
        share: Part to choose, 0 to 1.
        seed: Seed of the choice.

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
    """Give each image a split, so that every class has about the same shares of all three."""
    splits = np.full(len(labels), SPLITS[0], "U10")
    splits[stratified(labels, test, seed)] = SPLITS[2]
    rest = np.flatnonzero(splits == SPLITS[0])
    column = np.array(labels, np.str_)[rest]
    share = validation / (1 - test)
    splits[rest[stratified(column, share, seed)]] = SPLITS[1]
    return [str(split) for split in splits]


def grouped_splits(groups: Sequence[str], validation: float, test: float, seed: int) -> list[str]:
    """Give each image a split, so that no group (a person, say) is in two of them.

    Groups are placed from the largest to the smallest, equal ones in random order, each into the
    split that lacks most; so the shares come out within half of a large group.
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
