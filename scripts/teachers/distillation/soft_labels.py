"""Views of all training images, and the probabilities that the teachers give to each view."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from distillation.augmentation import augment, resize, to_input
from distillation.networks.base import CLASSES, OWN_CLASSES, FaceNetwork
from distillation.npz_arrays import read_arrays
from distillation.scoring import BATCH, autocast
from distillation.training_data import TrainingData
from emorec.atomic_files import written_whole
from emorec.errors import DataError

SIDE = 48

MAX_VIEWS_BYTES = 2**35
"""Largest size of a file of views; forty views have 2.7 GB."""


@dataclass(frozen=True)
class Views:
    """Images as the student sees them: v views of n images.

    Attributes:
        images: Shape (v, n, 48, 48), uint8; the first view is the unchanged images.
        probabilities: Of the emotions, shape (v, n, 8), float16.
        own: Of FER-2013's labels, shape (v, n, 7), float16.
        plain: The teachers' probabilities of the unchanged images, shape (n, 8), float16.
    """

    images: Tensor
    probabilities: Tensor
    own: Tensor
    plain: Tensor


@torch.no_grad()
def label_views(
    data: TrainingData,
    networks: Mapping[int, Sequence[FaceNetwork]],
    fold_of_image: Tensor,
    views: int,
    *,
    plain: Tensor | None = None,
    seed: int = 0,
) -> Views:
    """Draw views of all training images and label each.

    The probabilities are the mean over the networks; for the first view, of the unchanged images,
    the logits of each are averaged over image and mirror image.

    Args:
        data: The data, on the training device.
        networks: The networks that label the images of each fold.
        fold_of_image: Fold of each image, shape (n,).
        views: Number of views, 1 or more.
        plain: Labels of the unchanged images by others, shape (n, 8); None takes those of the
            first view.
        seed: Seed of the augmentation.
    """
    torch.manual_seed(seed)
    device, count = data.images.device, len(data.names)
    images = torch.empty(views, count, SIDE, SIDE, dtype=torch.uint8, device=device)
    probabilities = torch.empty(views, count, CLASSES, dtype=torch.float16, device=device)
    own = torch.empty(views, count, OWN_CLASSES, dtype=torch.float16, device=device)
    started = time.perf_counter()
    for view in range(views):
        for fold, labelling in networks.items():
            for rows in (fold_of_image == fold).nonzero()[:, 0].split(BATCH):
                batch = data.images[rows]
                # Rounded as they are stored, so that the labels are of what the student sees.
                batch = (augment(batch, SIDE) if view else resize(batch, SIDE)).round()
                images[view, rows] = batch[:, 0].to(torch.uint8)
                found = mean_probabilities(labelling, batch, mirrored=view == 0)
                probabilities[view, rows], own[view, rows] = found[0].half(), found[1].half()
    print(f"{views} views in {time.perf_counter() - started:.0f} s", flush=True)
    return Views(images, probabilities, own, probabilities[0] if plain is None else plain)


def mean_probabilities(
    networks: Sequence[FaceNetwork], images: Tensor, mirrored: bool
) -> tuple[Tensor, Tensor]:
    """Return the mean of the networks' probabilities, shapes (n, 8) and (n, 7)."""
    means = [torch.zeros(len(images), k, device=images.device) for k in (CLASSES, OWN_CLASSES)]
    for network in networks:
        inputs = to_input(images, network)
        with autocast(images.device):
            found = network(inputs)
            other = network(inputs.flip(3)) if mirrored else found
        for mean, one, two in zip(means, found, other, strict=True):
            mean += torch.softmax((one.float() + two.float()) / 2, 1) / len(networks)
    return means[0], means[1]


def save_views(views: Views, path: Path) -> None:
    """Write views to a .npz file."""
    arrays = {name: getattr(views, name).cpu().numpy() for name in Views.__dataclass_fields__}
    with written_whole(path) as partial:
        np.savez(partial, **arrays)


def load_views(path: Path, data: TrainingData) -> Views:
    """Read views that `save_views` wrote, to the device of the data that they are of.

    Raises:
        DataError: The file cannot be read, or its views are of other data.
    """
    names = tuple(Views.__dataclass_fields__)
    arrays = read_arrays(path, names, MAX_VIEWS_BYTES)
    if arrays["images"].shape[1:] != (len(data.names), SIDE, SIDE):
        raise DataError(f"{path}: the views are of other images; run distill.py label again")
    return Views(*(torch.tensor(arrays[name]).to(data.images.device) for name in names))


def save_probabilities(
    data: TrainingData, views: Views, validation: Tensor, fold: Tensor | None, path: Path
) -> None:
    """Write the probabilities without the images; `write_probabilities.py` converts them to CSV.

    The arrays: `names`; `plain`, on the unchanged images; `mean` and `aux`, the means over the
    views; `labels`; `validation_names` and `validation`, the probabilities on PublicTest, for
    comparison only; `fold` where the teachers left folds out.
    """
    arrays: dict[str, Any] = {
        "names": np.array(data.names),
        "plain": views.probabilities[0].cpu().numpy(),
        "mean": views.probabilities.float().mean(0).half().cpu().numpy(),
        "aux": views.own.float().mean(0).half().cpu().numpy(),
        "labels": np.array(data.labels),
        "validation_names": np.array(data.validation_names),
        "validation": validation.half().cpu().numpy(),
        **({} if fold is None else {"fold": fold.cpu().numpy().astype(np.uint8)}),
    }
    with written_whole(path) as partial:
        np.savez_compressed(partial, **arrays)


def read_plain(path: Path, names: Sequence[str]) -> Tensor:
    """Read `plain` of the file that `save_probabilities` wrote, for images by their names.

    Raises:
        DataError: The file cannot be read, or an image is not in it.
    """
    arrays = read_arrays(path, ("names", "plain"))
    rows = {name: row for row, name in enumerate(arrays["names"].tolist())}
    if missing := [name for name in names if name not in rows]:
        raise DataError(
            f"{path}: no probabilities of {len(missing)} images, such as {missing[0]!r:.80}"
        )
    return torch.tensor(arrays["plain"][[rows[name] for name in names]])
