"""Small data sets with labels of their own, of images that the shipped models never trained on."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from emorec.datasets.manifest import Examples, PreparedDataset
from emorec.errors import DataError
from emorec.images import Image, read_gray, write_image
from emorec.labels import EMOTIONS_8

LEAST_OF_CLASS = 10
"""Images of a rare label in a training set, so that some are left for validation."""

Change = Callable[[Image, np.random.Generator], Image]


@dataclass(frozen=True)
class SmallSet:
    """How a small data set is made.

    Attributes:
        labels: Own label by emotion; images of other emotions are left out.
        images: Number of training images.
        change: Changes an image; None leaves it.
    """

    labels: Mapping[str, str]
    images: int
    change: Change | None = None


def changed(image: Image, generator: np.random.Generator) -> Image:
    """Mirror, darken and blur a face at random, and place it on a background.

    Args:
        image: Grey, shape (height, width), uint8.
        generator: Random generator.

    Returns:
        The same shape.
    """
    height, width = image.shape[:2]
    face: npt.NDArray[Any] = image
    if generator.random() < 0.5:
        face = cv2.flip(face, 1)
    if generator.random() < 0.5:
        face = cv2.convertScaleAbs(face, alpha=generator.uniform(0.35, 0.8))
    if generator.random() < 0.5:
        face = cv2.GaussianBlur(face, (0, 0), generator.uniform(0.6, 1.6))
    scale = generator.uniform(0.65, 0.9)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    face = cv2.resize(face, size, interpolation=cv2.INTER_AREA)
    # Smooth noise: a few random grey values, enlarged.
    coarse = generator.integers(0, 256, (4, 4)).astype(np.uint8)
    background = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    out = np.asarray(background, np.uint8)
    top = generator.integers(0, height - size[1] + 1)
    left = generator.integers(0, width - size[0] + 1)
    out[top : top + size[1], left : left + size[0]] = face
    return out


SMALL_SETS = {
    "valence": SmallSet(
        {
            "happy": "positive",
            "neutral": "neutral",
            **dict.fromkeys(("angry", "contempt", "disgust", "fear", "sad"), "negative"),
        },
        200,
    ),
    "emotions": SmallSet({name: name for name in EMOTIONS_8}, 300),
    "smiles": SmallSet(
        {name: "smile" if name == "happy" else "no smile" for name in EMOTIONS_8}, 200, changed
    ),
}
"""By name, in the order of the table."""


def write_small_set(
    small: SmallSet,
    data: PreparedDataset,
    folder: Path,
    seed: int,
    *,
    images: int | None = None,
    unseen: int | None = None,
) -> tuple[int, int]:
    """Write a small data set: a tree with train/LABEL/ and test/LABEL/.

    The validation images are halved by label, always in the same way: training images are drawn
    from one half, and the images of the other half are the test split.

    Args:
        small: How the set is made.
        data: A prepared FERPlus; its validation split is PublicTest.
        folder: New folder.
        seed: Seed of the drawn training images and of the changes.
        images: Number of training images; None takes that of the set.
        unseen: Largest number of test images; None takes the whole half.

    Returns:
        The numbers of training and test images.

    Raises:
        DataError: The data set has too few images, or they cannot be read or written.
    """
    examples = data.examples("validation", "majority" if data.votes is not None else None)
    emotions = np.array(examples.class_names)[examples.targets.argmax(axis=1)]
    labels = [small.labels.get(name, "") for name in emotions.tolist()]
    pool, rest = _halves(labels)
    count = images or small.images
    if len(pool) < count:
        raise DataError(f"{data.root}: {count} images are needed, {len(pool)} are there")
    generator = np.random.default_rng(seed)
    drawn = _drawn(pool, labels, count, generator)
    if unseen is not None:
        rest = rest[np.linspace(0, len(rest) - 1, min(unseen, len(rest))).round().astype(int)]
    for split, rows in (("train", drawn), ("test", rest)):
        _write(folder / split, examples, rows, labels, small.change, generator)
    return len(drawn), len(rest)


def _halves(labels: Sequence[str]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Halve the rows that have a label, by label."""
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row in np.random.default_rng(0).permutation(len(labels)).tolist():
        if labels[row]:
            rows[labels[row]].append(row)
    halves = ([row for found in rows.values() for row in found[half::2]] for half in (0, 1))
    first, second = (np.array(sorted(half), np.intp) for half in halves)
    return first, second


def _drawn(
    pool: npt.NDArray[np.intp], labels: Sequence[str], count: int, generator: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Draw rows at random, after the first `LEAST_OF_CLASS` of each label."""
    order = generator.permutation(pool)
    seen: defaultdict[str, int] = defaultdict(int)
    first: list[int] = []
    others: list[int] = []
    for row in order.tolist():
        seen[labels[row]] += 1
        (first if seen[labels[row]] <= LEAST_OF_CLASS else others).append(row)
    return np.array([*first, *others][:count], np.intp)


def _write(
    folder: Path,
    examples: Examples,
    rows: npt.NDArray[np.intp],
    labels: Sequence[str],
    change: Change | None,
    generator: np.random.Generator,
) -> None:
    for row in rows.tolist():
        image = read_gray(examples.paths[row])
        place = folder / labels[row]
        place.mkdir(parents=True, exist_ok=True)
        write_image(place / f"{row:06}.png", change(image, generator) if change else image)
