"""Reads the user's own data as one folder of images for each class."""

from emorec.datasets.readers.rows import RawRows, ReadOptions
from emorec.datasets.readers.shared import folder_labels, rows_of_files
from emorec.datasets.readers.tree import CKPLUS_FOLDER, Tree
from emorec.datasets.splitting import stratified_splits
from emorec.errors import DataError

SOURCE = "folders"


def matches(tree: Tree) -> bool:
    """Return whether the images are in two or more folders, and in folders only."""
    tops = {path.split("/")[0] if "/" in path else "" for path in tree.images()}
    return len(tops) > 1 and not tops & {"", CKPLUS_FOLDER}


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read LABEL/.../image and split every class by the shares of the options.

    Raises:
        DataError: There is no such image, or a folder is named after no known emotion.
    """
    names = sorted(path for path in tree.images() if "/" in path)
    if not names:
        raise DataError(f"{tree.place}: no folder with images was found")
    labels = folder_labels(tree, [name.split("/")[0] for name in names], options)
    usages = stratified_splits(labels, options.validation, options.test, options.seed)
    return rows_of_files(tree, SOURCE, names, usages=usages, labels=labels)
