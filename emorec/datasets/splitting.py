"""Splits images into train, validation and test where a data set has no such split."""

from collections.abc import Sequence
from typing import cast

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


def assign_groups(
    labels: Sequence[str], groups: Sequence[str] | None, shares: Sequence[float], seed: int
) -> npt.NDArray[np.intp]:
    """Assign each image to a part so that every group is in one part and classes keep their shares.

    From the largest to the smallest, equal ones in random order, each group goes to the part where
    it reduces Pearson's chi-square statistic most: the squared deviation of the part's share of
    every class, and of all images, from the requested share, divided by that share. Then, from the
    smallest to the largest, groups move to other parts as long as a part gains a class that it
    lacks, or else the statistic decreases. Every part with a share gets a group if there are
    enough.

    Args:
        labels: Label of each image, in a fixed order; "" for none.
        groups: Group of each image; "" for an image of its own. None for images without groups.
        shares: Share of each part, 0 to 1; they sum to 1.
        seed: Seed of the random order.

    Returns:
        The index of the part of each image, shape (n,).
    """
    members = number_groups(groups, len(labels))
    if not len(members):
        return np.empty(0, np.intp)
    count = int(members.max()) + 1
    column_of = {name: column for column, name in enumerate(sorted(set(labels) - {""}), start=1)}
    images = np.zeros((count, len(column_of) + 1))
    for member, label in zip(members.tolist(), labels, strict=True):
        images[member, 0] += 1
        if label:
            images[member, column_of[label]] += 1
    order = np.random.default_rng(seed).permutation(count)
    weight = ((images / images.sum(axis=0)) ** 2).sum(axis=1)
    order = order[np.argsort(-weight[order], kind="stable")]
    used = np.flatnonzero(np.array(shares) > 0)
    return used[_assign(images, np.array(shares)[used], order)][members]


_PASSES = 20
"""Most passes over the groups in which they move to other parts; about five are enough."""

_LACK = 1000.0
"""Cost of a class that a part lacks; larger than any deviation."""


def _assign(
    images: npt.NDArray[np.float64], shares: npt.NDArray[np.float64], order: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """Return the part of each group; see `assign_groups`.

    Args:
        images: Number of images of each group, in all and of each class, shape (groups, columns).
        shares: Requested share of each part, above 0.
        order: Order in which the groups are assigned.
    """
    total = images.sum(axis=0)
    wanted, scale = shares[:, None] * total, 1 / (shares[:, None].clip(1e-9) * total**2)
    filled = np.zeros_like(wanted)
    sizes = np.zeros(len(shares), np.intp)
    part = np.zeros(len(order), np.intp)

    def cost(added: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the change of the statistic by a group in each part."""
        change = (2 * (filled - wanted) + added) * added * scale
        return cast(npt.NDArray[np.float64], change.sum(axis=1))

    for done, group in enumerate(order):
        change = cost(images[group])
        if len(order) - done <= np.count_nonzero(sizes == 0):
            change[sizes > 0] = np.inf
        part[group] = change.argmin()
        filled[part[group]] += images[group]
        sizes[part[group]] += 1
    for _ in range(_PASSES):
        moved = False
        for group in order[::-1]:
            here, added = part[group], images[group]
            if sizes[here] == 1:
                continue
            filled[here] -= added
            change = cost(added) - _LACK * ((filled == 0) & (added > 0)).sum(axis=1)
            best = change.argmin()
            if change[best] < change[here] - 1e-9:
                moved = True
                part[group] = best
                sizes[here] -= 1
                sizes[best] += 1
            filled[part[group]] += added
        if not moved:
            break
    return part


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
