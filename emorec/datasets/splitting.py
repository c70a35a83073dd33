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


def grouped_splits(
    labels: Sequence[str],
    groups: Sequence[str] | None,
    validation: float,
    test: float,
    seed: int,
) -> list[str]:
    """Assign a split to each image so that no group (a person, say) is in two splits.

    The shares of the classes are as close to the requested ones as the groups allow; see
    `assign_groups`.
    """
    parts = assign_groups(labels, groups, (1 - validation - test, validation, test), seed)
    return [SPLITS[part] for part in parts]


def assign_groups(
    labels: Sequence[str], groups: Sequence[str] | None, shares: Sequence[float], seed: int
) -> npt.NDArray[np.intp]:
    """Assign each image to a part so that every group is in one part and classes keep their shares.

    From the largest to the smallest, equal ones in random order, each group goes to the part where
    it reduces Pearson's chi-square statistic most: the squared deviation of the part's share of
    every class, and of all images, from the requested share, divided by that share. Then groups
    move to other parts as long as that reduces the statistic. Every part with a share gets a group
    if there are enough.

    Args:
        labels: Label of each image, in a fixed order.
        groups: Group of each image; "" for an image of its own. None for images without groups.
        shares: Share of each part, 0 to 1; they sum to 1.
        seed: Seed of the random order.

    Returns:
        The index of the part of each image, shape (n,).
    """
    members = number_groups(groups, len(labels))
    if not len(members):
        return np.empty(0, np.intp)
    classes, columns = np.unique(np.array(labels, np.str_), return_inverse=True)
    count = int(members.max()) + 1
    images = np.zeros((count, len(classes) + 1))
    np.add.at(images, (members, columns), 1)
    images[:, -1] = images.sum(axis=1)
    share_of_group = images / images.sum(axis=0)
    order = np.random.default_rng(seed).permutation(count)
    weight = (share_of_group**2).sum(axis=1)
    order = order[np.argsort(-weight[order], kind="stable")]
    return _assign(share_of_group, np.array(shares, np.float64), order)[members]


_PASSES = 20
"""Most passes over the groups in which they move to other parts; about five are enough."""


def _assign(
    share_of_group: npt.NDArray[np.float64],
    shares: npt.NDArray[np.float64],
    order: npt.NDArray[np.intp],
) -> npt.NDArray[np.intp]:
    """Return the part of each group; see `assign_groups`.

    Args:
        share_of_group: Share of each class that is in a group, shape (groups, classes).
        shares: Requested share of each part.
        order: Order in which the groups are assigned.
    """
    used = np.flatnonzero(shares > 0)
    wanted = shares[used, None]
    filled = np.zeros((len(used), share_of_group.shape[1]))
    sizes = np.zeros(len(used), np.intp)
    part = np.zeros(len(order), np.intp)
    for done, group in enumerate(order):
        added = share_of_group[group]
        change = ((2 * (filled - wanted) + added) * added / wanted).sum(axis=1)
        if len(order) - done <= np.count_nonzero(sizes == 0):
            change[sizes > 0] = np.inf
        best = change.argmin()
        part[group] = best
        filled[best] += added
        sizes[best] += 1
    for _ in range(_PASSES):
        moved = False
        for group in order:
            here, added = part[group], share_of_group[group]
            if sizes[here] == 1:
                continue
            filled[here] -= added
            change = ((2 * (filled - wanted) + added) * added / wanted).sum(axis=1)
            best = change.argmin()
            if change[best] < change[here] - 1e-9:
                moved = True
                part[group] = best
                sizes[here] -= 1
                sizes[best] += 1
            filled[part[group]] += added
        if not moved:
            break
    return used[part]


def number_groups(groups: Sequence[str] | None, count: int) -> npt.NDArray[np.intp]:
    """Number the groups from 0, in order of appearance; an image without a group is one itself.

    Args:
        groups: Group of each image, "" for none; None where no image has one.
        count: Number of images.

    Returns:
        The number of the group of each image, shape (n,).
    """
    if groups is None:
        return np.arange(count)
    numbers: dict[str | int, int] = {}
    keys = (group or index for index, group in enumerate(groups))
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.intp)
