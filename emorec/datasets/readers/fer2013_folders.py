"""Reads FER-2013 as a folder tree: train/EMOTION/ and test/EMOTION/."""

from emorec.datasets.readers.rows import VALIDATION, RawRows, ReadOptions
from emorec.datasets.readers.shared import (
    SPLIT_FOLDERS,
    folder_labels,
    hold_out_validation,
    rows_of_files,
)
from emorec.datasets.readers.tree import Tree
from emorec.errors import DataError

SOURCE = "fer2013-folders"


def matches(tree: Tree) -> bool:
    """Return whether a tree has train/ and test/ with folders of images, and no other folder."""
    tops = {path.split("/")[0].lower() for path in tree.images() if path.count("/") == 2}
    return {"train", "test"} <= tops <= set(SPLIT_FOLDERS)


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read train/EMOTION/, test/EMOTION/ and, if present, validation/EMOTION/.

    Without a folder for validation, a share of train is held out; with the default options these
    are the images that training on the raw tree holds out.

    Raises:
        DataError: There is no such image, or a folder is named after no known emotion.
    """
    paths = sorted(path for path in tree.images() if path.count("/") == 2)
    splits = [SPLIT_FOLDERS.get(path.split("/")[0].lower()) for path in paths]
    chosen = [(path, split) for path, split in zip(paths, splits, strict=True) if split]
    if not chosen:
        raise DataError(f"{tree.place}: no folder train/EMOTION/ with images was found")
    names = [path for path, _ in chosen]
    usages = [split for _, split in chosen]
    labels = folder_labels(tree, [name.split("/")[1] for name in names], options)
    if VALIDATION not in usages:
        usages = hold_out_validation(usages, labels, options)
    return rows_of_files(tree, SOURCE, names, usages=usages, labels=labels)
