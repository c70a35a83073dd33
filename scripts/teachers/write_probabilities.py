"""Writes the teachers' probabilities of the training images as a CSV file for `emorec train`.

Each row is the mean of the probabilities on the image itself and of their mean over augmented
views, to four decimals. The file is compressed if its name ends in .gz, and then reproducible.

Example: python scripts/teachers/write_probabilities.py teacher_probabilities.npz OUT.csv.gz
"""

import argparse
import csv
import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from distillation.command import run
from distillation.npz_arrays import read_arrays

from emorec.atomic_files import write_bytes
from emorec.errors import DataError
from emorec.labels import EMOTIONS_8


def mean_probabilities(path: Path) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Read the probabilities of each image.

    Returns:
        Names of n images, and their probabilities in the order of `EMOTIONS_8`, shape (n, 8).

    Raises:
        DataError: The file cannot be read, or its arrays are not names and probabilities.
    """
    arrays: dict[str, npt.NDArray[Any]] = read_arrays(path, ("names", "plain", "mean", "labels"))
    names, labels = arrays["names"].tolist(), arrays["labels"].tolist()
    both = [arrays[name] for name in ("plain", "mean")]
    shape = (len(names), len(EMOTIONS_8))
    if sorted(labels) != sorted(EMOTIONS_8) or any(array.shape != shape for array in both):
        raise DataError(
            f"{path}: plain and mean must have shape {shape}, for the labels "
            f"{', '.join(EMOTIONS_8)}; received {both[0].shape} and {both[1].shape}"
        )
    found = (both[0].astype(np.float64) + both[1].astype(np.float64)) / 2
    if not ((found >= 0) & (found <= 1)).all() or (abs(found.sum(axis=1) - 1) > 0.01).any():
        raise DataError(f"{path}: a row of plain or mean is not of probabilities with sum 1")
    return names, found[:, [labels.index(name) for name in EMOTIONS_8]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("probabilities", type=Path, help="file of distill.py label, .npz")
    parser.add_argument("target", type=Path, help="file to write, .csv or .csv.gz")
    options = parser.parse_args()
    names, probabilities = mean_probabilities(options.probabilities)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", *EMOTIONS_8])
    for name, row in zip(names, probabilities.tolist(), strict=True):
        writer.writerow([name, *(f"{value:.4f}" for value in row)])
    content = text.getvalue().encode()
    if options.target.suffix == ".gz":
        # Without the time of writing, which gzip stores otherwise.
        content = gzip.compress(content, mtime=0)
    write_bytes(options.target, content)
    print(f"{options.target}: {len(names)} images, {len(content)} bytes")


if __name__ == "__main__":
    run(main)
