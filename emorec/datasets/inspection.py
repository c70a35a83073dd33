"""Inspects a prepared data set: counts, agreement of the voters, suspicious images."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from emorec.datasets.duplicates import find_leaks, near_duplicates, thumbnails
from emorec.datasets.manifest import PreparedDataset, read_prepared
from emorec.datasets.readers.image_files import FileImage, decode_gray
from emorec.datasets.readers.rows import SPLITS
from emorec.datasets.whole_photos import whole_photos_note
from emorec.errors import DataError
from emorec.images import Image
from emorec.labels import VOTE_CLASSES, Votes
from emorec.threads import ProgressCallback

SCHEMA_VERSION = 1
"""Version of report.json; stored there as "schema"."""

MIN_SPREAD = 4.0
"""Standard deviation in grey levels below which an image counts as blank."""

SAMPLES, COLUMNS, CELL = 36, 18, 56
"""Samples of a class, cells in a row of a sheet, and side of a cell in pixels."""

_HISTOGRAM_STEP = 0.25


@dataclass(frozen=True)
class Inspection:
    """Result of inspecting a data set.

    Attributes:
        data: The data set.
        facts: Counts and lists, ready for JSON.
        sheets: Contact sheet of samples for each class, PNG bytes.
        pairs: Contact sheet of near duplicates, one above the other, PNG bytes; empty for none.
        notes: Notes of reading a folder tree, one line each, and of whole photos.
        apart: Contact sheet of images without a single face, PNG bytes; empty for none.
    """

    data: PreparedDataset
    facts: dict[str, Any]
    sheets: dict[str, bytes]
    pairs: bytes
    notes: tuple[str, ...] = ()
    apart: bytes = b""


def inspect(root: Path, progress: ProgressCallback | None = None, *, seed: int = 0) -> Inspection:
    """Inspect every image of a prepared data set or of a FER-2013 folder tree.

    Images without a single face, which prepare-data kept apart, are counted and shown alone.

    Args:
        root: Folder of the data set.
        progress: Called now and then with the number of images read and their total.
        seed: Seed of the random samples.

    Raises:
        DataError: The folder is not a data set.
    """
    data = read_prepared(root)
    apart = np.zeros(len(data.paths), bool) if data.apart is None else data.apart
    paths, splits, labels = (
        column[~apart].tolist() for column in (data.paths, data.splits, data.labels)
    )
    files = [FileImage(f"{root}/{path}", 0, 0) for path in paths]
    thumbs = thumbnails(files, progress)
    blank = [
        i for i in range(len(paths)) if i not in thumbs.faults and thumbs.spread[i] < MIN_SPREAD
    ]
    pairs = near_duplicates(thumbs)
    leaks = find_leaks(pairs, splits)
    generator = np.random.default_rng(seed)
    readable: dict[str, list[FileImage]] = {name: [] for name in data.class_names}
    for index, label in enumerate(labels):
        if label in readable and index not in thumbs.faults:
            readable[label].append(files[index])
    samples = {name: _sample(images, generator) for name, images in readable.items()}
    without_face = [FileImage(f"{root}/{path}", 0, 0) for path in data.paths[apart]]
    drawn = list(leaks.items())[:COLUMNS] or pairs[:COLUMNS]
    columns = [np.vstack([_cell(_decoded(files[i])) for i in shown]) for shown in drawn]
    facts = {
        "schema": SCHEMA_VERSION,
        "images": len(data.paths),
        "policy": data.policy,
        "classes": list(data.class_names),
        "counts": _counts(data),
        "left_out": dict(data.left_out),
        "faces": data.faces and dict(data.faces),
        "votes": None if data.votes is None else _votes(data, data.votes),
        "suspicious": {
            "unreadable": {paths[i]: thumbs.faults[i] for i in sorted(thumbs.faults)},
            "blank": [paths[i] for i in blank],
            "not a face by votes": _not_a_face(data),
        },
        "near_duplicates": {
            "pairs": len(pairs),
            "images": len({index for pair in pairs for index in pair}),
            "leaks": [
                {"path": paths[i], "split": splits[i], "duplicate_of": paths[j]}
                for i, j in leaks.items()
            ],
            "different_labels": [
                {"path": paths[i], "label": labels[i], "of": paths[j], "label_of": labels[j]}
                for i, j in pairs
                if labels[i] and labels[j] and labels[i] != labels[j]
            ],
        },
    }
    shown = _png(np.hstack(columns)) if columns else b""
    photos = whole_photos_note(data)
    notes = (*data.notes, *([photos] if photos else []))
    sheets = {name: sheet for name, sheet in samples.items() if sheet}
    return Inspection(data, facts, sheets, shown, notes, _sample(without_face, generator))


def _sample(files: Sequence[FileImage], generator: np.random.Generator) -> bytes:
    """Draw a contact sheet of some images, chosen at random; empty without a readable one."""
    images = []
    for index in np.sort(generator.permutation(len(files))[:SAMPLES]):
        with suppress(DataError):
            images.append(_decoded(files[index]))
    return _sheet(images) if images else b""


def _decoded(file: FileImage) -> Image:
    return decode_gray(file.location, file.read())


def _counts(data: PreparedDataset) -> dict[str, dict[str, int]]:
    """Count the images of each split by label; "" counts those without a label."""
    found = Counter(zip(data.splits.tolist(), data.labels.tolist(), strict=True))
    names = [*data.class_names, *([""] if "" in data.labels else [])]
    return {split: {name: found[split, name] for name in names} for split in SPLITS}


def _votes(data: PreparedDataset, votes: Votes) -> dict[str, Any]:
    """Measure the agreement of the voters: entropy in bits, and share of the top class."""
    voted = votes.sum(axis=1) > 0
    shares = votes[voted] / votes[voted].sum(axis=1, keepdims=True)
    entropy = -(shares * np.log2(shares, out=np.zeros_like(shares), where=shares > 0)).sum(axis=1)
    labels = data.labels[voted]
    bins = np.bincount((entropy / _HISTOGRAM_STEP).astype(int), minlength=1)

    def mean(values: npt.NDArray[np.float64]) -> float | None:
        return round(float(values.mean()), 4) if len(values) else None

    return {
        "mean_entropy_bits": mean(entropy),
        "entropy_bits_by_class": {n: mean(entropy[labels == n]) for n in data.class_names},
        "agreement_by_class": {n: mean(shares.max(axis=1)[labels == n]) for n in data.class_names},
        "entropy_histogram": {
            f"{index * _HISTOGRAM_STEP:.2f}": int(count) for index, count in enumerate(bins)
        },
    }


def _not_a_face(data: PreparedDataset) -> list[str]:
    if data.votes is None:
        return []
    flagged = data.votes.argmax(axis=1) == VOTE_CLASSES.index("not_face")
    flagged &= data.votes.sum(axis=1) > 0
    return [str(path) for path in data.paths[flagged]]


def _cell(image: Image) -> Image:
    """Fit an image of any shape into a square, on white, with a margin."""
    side = CELL - 4
    scale = side / max(image.shape)
    size = [max(1, round(length * scale)) for length in image.shape[::-1]]
    cell = np.full((CELL, CELL), 255, np.uint8)
    shrunk = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    cell[2 : 2 + size[1], 2 : 2 + size[0]] = shrunk
    return cell


def _sheet(images: list[Image]) -> bytes:
    """Arrange images in rows of a contact sheet; return PNG bytes."""
    cells = [_cell(image) for image in images]
    cells += [np.full((CELL, CELL), 255, np.uint8)] * (-len(cells) % COLUMNS)
    rows = [np.hstack(cells[start : start + COLUMNS]) for start in range(0, len(cells), COLUMNS)]
    return _png(np.vstack(rows))


def _png(image: Image) -> bytes:
    done, data = cv2.imencode(".png", image)
    if not done:
        raise DataError("the samples could not be encoded as PNG")
    return data.tobytes()
