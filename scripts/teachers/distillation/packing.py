"""Packs a prepared FERPlus data set to one .npz file, the only data that the run needs."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.atomic_files import written_whole
from emorec.datasets.duplicates import near_duplicates, thumbnails
from emorec.datasets.loading import load_images
from emorec.datasets.manifest import PreparedDataset, read_prepared
from emorec.datasets.readers.ferplus import read_votes
from emorec.datasets.readers.image_files import FileImage
from emorec.datasets.readers.pixels import read_pixels
from emorec.datasets.readers.tree import read_tree
from emorec.errors import DataError
from emorec.labels import EMOTIONS_7, EMOTIONS_8, FER2013_EMOTIONS, VOTE_CLASSES, Targets, Votes
from emorec.labels import soft_targets_from_votes as targets_by_policy

SIDE = 48
NO_LABEL = -1

Labels = npt.NDArray[np.int64]


def pack(
    data: Path, target: Path, fer2013: Path | None = None, ferplus: Path | None = None
) -> dict[str, int]:
    """Write the training and validation images of a prepared data set, with targets.

    The arrays of the file, for n training and m validation images: `names` (text), `images`
    (uint8, (n, 48, 48)), `targets` (float32, (n, 8)), `kept` (whether the policy `crossentropy`
    keeps the image), `own` (FER-2013's own label as an index, -1 for unknown), `groups` (equal for
    near duplicates); `validation_names`, `validation_images` and `validation_labels` (the majority
    vote); `labels` (the emotions, in the order of the targets).

    Args:
        data: A prepared data set with votes.
        target: The .npz file.
        fer2013: fer2013.csv, the source of FER-2013's own labels; None leaves them unknown.
        ferplus: fer2013new.csv, whose rows name the images of those of `fer2013`.

    Returns:
        Counts of images, for information.

    Raises:
        DataError: A file cannot be read or written, or the data set has no votes.
    """
    dataset = read_prepared(data)
    if dataset.votes is None:
        raise DataError(f"{data}: the data set has no votes; prepare it from FERPlus")
    own = own_labels(fer2013, ferplus) if fer2013 and ferplus else {}
    rows, targets, kept = _training_targets(dataset, dataset.votes)
    validation = dataset.examples("validation", "majority", 8)
    paths = [data / dataset.paths[row] for row in rows]
    names = [PurePosixPath(dataset.paths[row]).name for row in rows]
    arrays: dict[str, Any] = {
        "names": np.array(names),
        "images": load_images(paths, SIDE, "gray", "area")[..., 0],
        "targets": targets,
        "kept": kept,
        "own": np.array([own.get(name, NO_LABEL) for name in names], np.int64),
        "groups": duplicate_groups(paths),
        "validation_names": np.array([path.name for path in validation.paths]),
        "validation_images": load_images(validation.paths, SIDE, "gray", "area")[..., 0],
        "validation_labels": validation.targets.argmax(axis=1),
        "labels": np.array(EMOTIONS_8),
    }
    with written_whole(target) as partial:
        np.savez_compressed(partial, **arrays)
    return {
        "training": len(names),
        "kept by crossentropy": int(kept.sum()),
        "with FER-2013's own label": int((arrays["own"] != NO_LABEL).sum()),
        "near-duplicate groups": len(np.unique(arrays["groups"])),
        "validation": len(validation.paths),
    }


def _training_targets(
    dataset: PreparedDataset, votes: Votes
) -> tuple[npt.NDArray[np.intp], Targets, npt.NDArray[np.bool_]]:
    """Select the training images that have any vote for an emotion.

    Returns:
        Their rows, their targets, and whether the policy `crossentropy` keeps them. The targets of
        the others are the shares of all votes for emotions, without single votes if others remain.
    """
    rows = np.flatnonzero(dataset.splits == "train")
    votes = votes[rows]
    targets = targets_by_policy(votes, "crossentropy", 8)
    kept = targets.sum(axis=1) > 0
    order = [VOTE_CLASSES.index(name) for name in EMOTIONS_8]
    counts = votes[:, order].astype(np.float32)
    repeated = np.where(counts > 1, counts, 0)
    counts = np.where(repeated.sum(axis=1, keepdims=True) > 0, repeated, counts)
    targets = np.where(kept[:, None], targets, counts / counts.sum(axis=1, keepdims=True).clip(1))
    chosen = targets.sum(axis=1) > 0
    return rows[chosen], targets[chosen].astype(np.float32), kept[chosen]


def own_labels(fer2013: Path, ferplus: Path) -> dict[str, int]:
    """Read FER-2013's own label of each image, as an index into `EMOTIONS_7`.

    Args:
        fer2013: fer2013.csv; its rows are those of `ferplus`, which may have more at its end.
        ferplus: fer2013new.csv, which names the images.

    Raises:
        DataError: A file cannot be read, or the first has no emotions or more rows.
    """
    table, _ = read_votes(read_tree(ferplus).files[ferplus.name])
    pixels = read_pixels(read_tree(fer2013).files[fer2013.name])
    numbers = pixels.columns.get("emotion")
    names = table.columns["Image name"]
    if numbers is None or len(numbers) > len(names):
        raise DataError(
            f"{fer2013}: it needs a column 'emotion', and at most the {len(names)} rows of "
            f"{ferplus}"
        )
    known = {str(number): EMOTIONS_7.index(name) for number, name in enumerate(FER2013_EMOTIONS)}
    rows = zip(names, numbers, strict=False)
    return {name: known[number] for name, number in rows if name and number in known}


def duplicate_groups(paths: Sequence[Path]) -> Labels:
    """Number the images so that near duplicates have equal numbers; shape (n,)."""
    files = [FileImage(str(path), path.stat().st_size, 0) for path in paths]
    leaders = list(range(len(files)))

    def leader(index: int) -> int:
        while leaders[index] != index:
            leaders[index] = leaders[leaders[index]]
            index = leaders[index]
        return index

    for first, second in near_duplicates(thumbnails(files)):
        leaders[leader(second)] = leader(first)
    return np.array([leader(index) for index in range(len(files))], np.int64)
