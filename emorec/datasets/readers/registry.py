"""Recognises what a user downloaded, and reads it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emorec.datasets.readers.ckplus import has_ckplus, read_ckplus
from emorec.datasets.readers.fer2013 import (
    csv_files,
    has_fer2013_folders,
    read_fer2013_csv,
    read_fer2013_folders,
    read_with_votes,
)
from emorec.datasets.readers.ferplus import VOTES_FILE, has_ferplus, has_images, read_ferplus
from emorec.datasets.readers.folders import (
    CKPLUS_FOLDER,
    has_folders,
    lists_of_images,
    read_folders,
    read_list,
)
from emorec.datasets.readers.pixels import header_of
from emorec.datasets.readers.rows import RawRows, ReadOptions
from emorec.datasets.readers.tree import Tree, read_tree
from emorec.errors import ConfigError, DataError


@dataclass(frozen=True)
class Layout:
    """One way in which a data set lies on disk.

    Attributes:
        looks_like: What is looked for, for messages.
        fits: Tells whether a tree has this layout.
        read: Reads it.
    """

    looks_like: str
    fits: Callable[[Tree], bool]
    read: Callable[[Tree, ReadOptions], RawRows]


def _has_pixels(tree: Tree) -> bool:
    if csv_files(tree):
        return True
    lists = lists_of_images(tree)
    return len(lists) == 1 and "pixels" in header_of(tree.files[lists[0]])


def _has_list(tree: Tree) -> bool:
    lists = lists_of_images(tree)
    return len(lists) == 1 and {"path", "label"} <= set(header_of(tree.files[lists[0]]))


def _read_ferplus(tree: Tree, reading: ReadOptions) -> RawRows:
    """Read a checkout with its images, or with fer2013.csv in their place."""
    pixels = csv_files(tree)
    if VOTES_FILE in tree.files and pixels and not has_images(tree):
        return read_with_votes(tree, pixels[0], tree.files[VOTES_FILE])
    return read_ferplus(tree, reading)


LAYOUTS = {
    "ferplus": Layout("fer2013new.csv and FER2013Train/", has_ferplus, _read_ferplus),
    "fer2013-csv": Layout("fer2013.csv or icml_face_data.csv", _has_pixels, read_fer2013_csv),
    "csv": Layout("a CSV file with the columns path and label", _has_list, read_list),
    "fer2013-folders": Layout(
        "train/EMOTION/ and test/EMOTION/", has_fer2013_folders, read_fer2013_folders
    ),
    "ckplus": Layout("CK+48/EMOTION/S010_004_00000017.png", has_ckplus, read_ckplus),
    "folders": Layout("a folder of images for each emotion", has_folders, read_folders),
}
"""Every layout by name, in the order in which they are tried."""

_NESTINGS = 4


def read_source(place: Path, reading: ReadOptions | None = None) -> RawRows:
    """Read raw data from a folder, a zip archive or a CSV file.

    Args:
        place: What the user named.
        reading: How to read it.

    Raises:
        ConfigError: The layout asked for is unknown.
        DataError: The data is missing, broken or unsafe, or its layout is not known.
    """
    reading = reading or ReadOptions()
    if reading.layout and reading.layout not in LAYOUTS:
        known = ", ".join(LAYOUTS)
        raise ConfigError(f"unknown layout {reading.layout!r}; choose one of {known}")
    tree = read_tree(place)
    wanted = [reading.layout] if reading.layout else list(LAYOUTS)
    candidate: Tree | None = tree
    for _ in range(_NESTINGS):
        if candidate is None:
            break
        for name in wanted:
            if LAYOUTS[name].fits(candidate):
                return LAYOUTS[name].read(candidate, reading)
        candidate = _inner(candidate)
    if reading.layout:
        return LAYOUTS[reading.layout].read(tree, reading)  # it says best what it misses
    known = "; ".join(f"{name}: {layout.looks_like}" for name, layout in LAYOUTS.items())
    raise DataError(f"{place}: no known layout ({known}); name the folder that holds it")


def _inner(tree: Tree) -> Tree | None:
    """Step into the one folder that a download has around its content."""
    tops = {
        path.split("/")[0] for path in tree.files if "/" in path and not path.startswith("__MAC")
    }
    tops = {top for top in tops if not top.startswith(".")}
    if CKPLUS_FOLDER in tops:  # Kaggle's archive holds it twice: here and in ck/
        return tree.below(CKPLUS_FOLDER)
    return tree.below(tops.pop()) if len(tops) == 1 else None
