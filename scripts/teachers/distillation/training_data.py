"""The packed data set as tensors on the training device, and the folds of its images."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from distillation.npz_arrays import read_arrays
from emorec.errors import DataError

NO_LABEL = -1
"""In `own`: FER-2013's label of the image is unknown."""

PRIOR_POWER = 0.2
"""The loss of an image is divided by its class's share to this power, which helps rare classes."""

DROPPED_WEIGHT = 0.4
"""Weight of the images that the vote policy drops, because their votes disagree."""


@dataclass(frozen=True)
class TrainingData:
    """The images and targets; see `distillation.packing.pack` for the arrays.

    Attributes:
        names: Names of the training images, n of them.
        images: Shape (n, 1, 48, 48), uint8.
        targets: Shares of the votes, shape (n, 8), float32.
        kept: Whether the vote policy keeps each image, shape (n,).
        own: FER-2013's own labels, shape (n,); -1 for unknown.
        groups: Equal numbers for near duplicates, shape (n,).
        validation_names: Names of the validation images, m of them.
        validation_images: Shape (m, 1, 48, 48), uint8.
        validation_labels: Shape (m,).
        labels: The emotions, in the order of the targets.
    """

    names: list[str]
    images: Tensor
    targets: Tensor
    kept: Tensor
    own: Tensor
    groups: Tensor
    validation_names: list[str]
    validation_images: Tensor
    validation_labels: Tensor
    labels: tuple[str, ...]

    @property
    def prior(self) -> Tensor:
        """Share of each class among the targets of the kept images, shape (8,).

        A class without images counts as one image, so that its logarithm exists.
        """
        counts = self.targets[self.kept].sum(0).clamp_min(1)
        return counts / counts.sum()

    @cached_property
    def has_own_labels(self) -> bool:
        """Whether any image has FER-2013's own label."""
        return bool((self.own != NO_LABEL).any())

    @cached_property
    def class_weights(self) -> Tensor:
        """Weight of each image's loss by its classes, shape (n,), mean 1."""
        shares = self.targets.mean(0).clamp_min(1e-4)
        weights = (self.targets * shares**-PRIOR_POWER).sum(1)
        return weights / weights.mean()

    @cached_property
    def vote_weights(self) -> Tensor:
        """The same with less weight for the images that the vote policy drops, shape (n,)."""
        return self.class_weights * torch.where(self.kept, 1.0, DROPPED_WEIGHT)

    def folds(self, count: int, seed: int = 0) -> Tensor:
        """Assign each image to one of `count` folds of similar size, shape (n,).

        Near duplicates are in the same fold: a teacher that learned one of them knows the other.
        """
        numbers, group = torch.unique(self.groups, return_inverse=True)
        fold_of_group = np.random.default_rng(seed).permutation(len(numbers)) % count
        return torch.from_numpy(fold_of_group).to(group.device)[group]


def read_data(path: Path, device: str) -> TrainingData:
    """Read a packed data set.

    Raises:
        DataError: The file cannot be read or lacks an array, or its arrays differ in length.
    """
    arrays = read_arrays(path)
    try:
        training = [arrays[n] for n in ("names", "images", "targets", "kept", "own", "groups")]
        validation = [arrays[f"validation_{name}"] for name in ("names", "images", "labels")]
        labels = tuple(arrays["labels"].tolist())
    except KeyError as error:
        raise DataError(f"{path}: no array {error}; it is not written by distill.py pack") from None
    if len({len(a) for a in training}) > 1 or len({len(a) for a in validation}) > 1:
        raise DataError(f"{path}: its arrays differ in length; write it again with distill.py pack")
    names, images, *others = training

    def tensor(array: npt.NDArray[Any]) -> Tensor:
        return torch.tensor(array).to(device)

    targets, kept, own, groups = map(tensor, others)
    return TrainingData(
        names=names.tolist(),
        images=tensor(images[:, None]),
        targets=targets,
        kept=kept,
        own=own,
        groups=groups,
        validation_names=validation[0].tolist(),
        validation_images=tensor(validation[1][:, None]),
        validation_labels=tensor(validation[2]),
        labels=labels,
    )
