"""Assigns images to the folds of a cross-validation, whole groups and close to stratified."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from emorec.datasets.splitting import assign_groups, number_groups
from emorec.errors import ConfigError


def assign_folds(
    labels: Sequence[str], groups: Sequence[str] | None, count: int, seed: int
) -> npt.NDArray[np.intp]:
    """Assign a fold to each image so that every group (a person, say) is in one fold.

    The share of every class is as equal over the folds as the groups allow; see
    `emorec.datasets.splitting.assign_groups`. No fold is empty.

    Args:
        labels: Label of each image, in a fixed order.
        groups: Group of each image; "" for an image of its own. None for images without groups.
        count: Number of folds, 2 or more.
        seed: Seed of the random order of equal groups.

    Returns:
        The number of the fold of each image, 0 to `count` - 1, shape (n,).

    Raises:
        ConfigError: There are fewer than two folds, fewer groups than folds, or a class is in one
            group only, or falls into one fold.
    """
    if count < 2:
        raise ConfigError(f"a cross-validation needs 2 or more folds; received {count}")
    members = number_groups(groups, len(labels))
    _require_several_groups(labels, groups, members)
    found = int(members.max()) + 1
    if found < count:
        kind = "images" if groups is None else "groups"
        raise ConfigError(
            f"{count} folds need {count} or more {kind}; there are {found}; use at most {found} "
            "folds"
        )
    folds = assign_groups(labels, groups, [1 / count] * count, seed)
    for label in sorted(set(labels) - {""}):
        where = {fold for fold, name in zip(folds.tolist(), labels, strict=True) if name == label}
        if len(where) == 1:
            raise ConfigError(
                f"all images of the class {label!r:.80} fell into one fold, which leaves none to "
                "train on; use another seed, or more folds"
            )
    return folds


def leave_one_group_out(labels: Sequence[str], groups: Sequence[str]) -> npt.NDArray[np.intp]:
    """Assign a fold of its own to each group; an image without a group is one.

    Args:
        labels: Label of each image, in a fixed order.
        groups: Group of each image; "" for an image of its own.

    Returns:
        The number of the fold of each image, in order of the first image of each group, shape (n,).

    Raises:
        ConfigError: There is one group only, or a class is in one group only.
    """
    members = number_groups(groups, len(labels))
    _require_several_groups(labels, groups, members)
    return members


def _require_several_groups(
    labels: Sequence[str], groups: Sequence[str] | None, members: npt.NDArray[np.intp]
) -> None:
    """Check that every class is in two or more groups: one is left to train each fold."""
    kind = "images" if groups is None else "groups"
    if len(set(members.tolist())) < 2:
        raise ConfigError(
            f"a cross-validation needs two or more {kind}; there are {len(set(members.tolist()))}"
        )
    groups_of: dict[str, set[int]] = {}
    for label, member in zip(labels, members.tolist(), strict=True):
        groups_of.setdefault(label, set()).add(member)
    for label, found in sorted(groups_of.items()):
        if len(found) == 1 and label:
            index = members.tolist().index(min(found))
            name = groups[index] if groups is not None else ""
            where = f"one group only ({name!r:.80})" if name else "one image only"
            raise ConfigError(
                f"the class {label!r:.80} is in {where}: a fold that tests on it has none of it to "
                "train on; add images of others, or remove the class"
            )
