"""Reads FER-2013's pixel CSV files, with its own labels or with the votes of FERPlus."""

from pathlib import Path
from typing import NamedTuple

from emorec.datasets.readers.ferplus import join_votes
from emorec.datasets.readers.image_files import PixelImage
from emorec.datasets.readers.pixels import read_pixels
from emorec.datasets.readers.rows import HELD_OUT, TEST, VALIDATION, RawRows, ReadOptions
from emorec.datasets.readers.shared import (
    PIXEL_CSV_FILES,
    hold_out_validation,
    pixel_csv_files,
    pixel_usages,
)
from emorec.datasets.readers.table import header_of
from emorec.datasets.readers.tree import Tree, read_tree
from emorec.errors import ConfigError, DataError
from emorec.labels import FER2013_EMOTIONS

SOURCE = "fer2013"


def matches(tree: Tree) -> bool:
    """Return whether a tree has a pixel CSV file of FER-2013, or one CSV file with such pixels."""
    if pixel_csv_files(tree):
        return True
    lists = tree.csv_files()
    return len(lists) == 1 and "pixels" in header_of(tree.files[lists[0]])


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read fer2013.csv, icml_face_data.csv, or train.csv and test.csv.

    Args:
        tree: Holds the file at its top, or consists of the file.
        options: With `ferplus_csv` the votes are read from that file, row by row.

    Raises:
        ConfigError: `ferplus_csv` names no file.
        DataError: The file is broken or unsafe, or the two files do not belong together.
    """
    paths = pixel_csv_files(tree) or (list(tree.files) if len(tree.files) == 1 else [])
    if not paths:
        raise DataError(f"{tree.place}: no {PIXEL_CSV_FILES[0]} was found")
    if options.ferplus_csv:
        if len(paths) > 1:
            paths = [path for path in paths if not path.startswith("test.")]
        votes = read_tree(options.ferplus_csv).files.get(options.ferplus_csv.name)
        if votes is None:
            raise ConfigError(
                f"{options.ferplus_csv}: --ferplus-csv must name the file fer2013new.csv"
            )
        return join_votes(tree, paths[0], votes)
    parts = [_read_part(tree, path) for path in paths]
    names = [name for part in parts for name in part.names]
    labels = [label for part in parts for label in part.labels]
    usages = [usage for part in parts for usage in part.usages]
    drawn = {}
    if VALIDATION not in usages and "PublicTest" not in usages:
        drawn = {HELD_OUT: options.validation}
        usages = hold_out_validation(usages, labels, options)
    unlabelled = labels.count("")
    return RawRows(
        place=tree.place,
        label_files=[tree.files[path] for path in paths],
        sources=[SOURCE] * len(names),
        lines=[line for part in parts for line in part.lines],
        names=names,
        images=[image for part in parts for image in part.images],
        usages=usages,
        labels=labels,
        notes=[f"{unlabelled:,} rows have no emotion, as in test.csv"] if unlabelled else [],
        drawn=drawn,
    )


class _Part(NamedTuple):
    """The rows of one pixel CSV file."""

    images: list[PixelImage]
    names: list[str]
    labels: list[str]
    usages: list[str]
    lines: list[int]


def _read_part(tree: Tree, path: str) -> _Part:
    file = tree.files[path]
    rows = read_pixels(file)
    is_test = path.startswith("test.") or "emotion" not in rows.columns
    usages = pixel_usages(file.location, rows, TEST if is_test else "Training")
    by_number = {str(number): name for number, name in enumerate(FER2013_EMOTIONS)}
    emotions = rows.columns.get("emotion")
    labels = [by_number.get(number, "") for number in emotions or [""] * len(usages)]
    for row, label in enumerate(labels):
        if emotions and not label:
            raise DataError(
                f"{file.location}: row {rows.lines[row]}: the emotion must be a number from 0 to "
                f"6; received {emotions[row]!r:.40}"
            )
    stem = Path(path).name.split(".")[0]
    names = [f"{stem}-{row:05}.png" for row in range(len(usages))]
    return _Part(rows.images(file.location), names, labels, usages, rows.lines)
