"""Reads the probabilities that teachers gave to the training images from a CSV file."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emorec.datasets.readers.table import LabelTable, read_table
from emorec.errors import DataError
from emorec.labels import Targets

IMAGE_COLUMN = "image"

_TOLERANCE = 0.01
"""Largest distance of a row's sum from 1, for rounded probabilities."""

_log = logging.getLogger(__name__)


def read_teacher_probabilities(
    path: Path, images: Sequence[Path], labels: Sequence[str]
) -> tuple[Targets, npt.NDArray[np.bool_]]:
    """Read the probabilities of images, found by their file names.

    Args:
        path: A CSV file, gzip-compressed if its name ends in .gz, with the column `image` (file
            names without folders) and one column of probabilities for each label, in any order.
        images: n image files.
        labels: Labels of the run.

    Returns:
        The probabilities, shape (n, classes), float32, whose rows sum to 1, or are 0 for images
        without a row; and whether each image has a row, shape (n,).

    Raises:
        DataError: The file cannot be read, lacks a column or has another label's column, a value
            is no probability, a row does not sum to 1, an image has two rows, or no image of the
            run has one.
    """
    table = read_table(path, [IMAGE_COLUMN, *labels])
    foreign = [name for name in table.columns if name not in (IMAGE_COLUMN, *labels)]
    if foreign:
        raise DataError(
            f"{path}: the column {foreign[0]!r:.60} is no label of this run, whose labels are "
            f"{', '.join(labels)}; --classes 7 or 8 chooses those of the run"
        )
    rows = _rows_by_name(table)
    found = np.array([rows.get(image.name, -1) for image in images])
    known = found >= 0
    if not known.any():
        raise DataError(
            f"{path}: no row names an image of the data set, such as {images[0].name!r:.80}"
        )
    if not known.all():
        _log.warning(
            "%s: %d of %d training images have no row; their labels alone are used",
            path,
            np.count_nonzero(~known),
            len(images),
        )
    probabilities = _probabilities(table, labels)[found]
    probabilities[~known] = 0
    return probabilities, known


def _rows_by_name(table: LabelTable) -> dict[str, int]:
    rows: dict[str, int] = {}
    for row, name in enumerate(table.columns[IMAGE_COLUMN]):
        if rows.setdefault(name, row) != row:
            raise DataError(f"{table.path}: row {table.lines[row]} repeats the image {name!r:.80}")
    return rows


def _probabilities(table: LabelTable, labels: Sequence[str]) -> Targets:
    """Convert the label columns, shape (rows, classes), float32; rows sum to 1."""
    values = np.empty((len(table.lines), len(labels)), np.float32)
    for column, label in enumerate(labels):
        for row, text in enumerate(table.columns[label]):
            try:
                value = float(text)
            except ValueError:
                value = -1.0
            if not 0 <= value <= 1:
                raise DataError(
                    f"{table.path}: row {table.lines[row]}, column {label!r}: a probability is "
                    f"from 0 to 1; received {text!r:.60}"
                )
            values[row, column] = value
    sums = values.sum(axis=1, keepdims=True)
    wrong = np.flatnonzero(np.abs(sums[:, 0] - 1) > _TOLERANCE)
    if len(wrong):
        raise DataError(
            f"{table.path}: row {table.lines[wrong[0]]}: the probabilities sum to "
            f"{sums[wrong[0], 0]:.3f}, not to 1"
        )
    normalized: Targets = values / sums
    return normalized
