"""Reads FER-2013 as a folder tree: train/EMOTION/ and test/EMOTION/."""

from emorec.datasets.readers.rows import RawRows, ReadOptions
from emorec.datasets.readers.shared import (
    draw_missing_splits,
    folder_labels,
    require_images,
    rows_of_files,
)
from emorec.datasets.readers.split_folders import SplitImages, find_split_images
from emorec.datasets.readers.tree import Tree
from emorec.errors import DataError
from emorec.labels import canonical_emotion, is_emotion_name

SOURCE = "fer2013-folders"


def matches(tree: Tree) -> bool:
    """Return whether a tree has split folders with folders of images."""
    return find_split_images(tree) is not None


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read train/EMOTION/, test/EMOTION/ and validation/EMOTION/; see `find_split_images`.

    Without a folder for validation or test, a share of train is held out; with the default options
    the images for validation are those that training on the raw tree holds out.

    Raises:
        DataError: There is no such image, a folder is named after no known emotion, or a class
            folder is empty.
    """
    found = find_split_images(tree)
    if found is None:
        raise DataError(f"{tree.place}: no folder train/EMOTION/ with images was found")
    require_images(tree.place, found.empty_classes)
    return place_images(tree, found, options)


def place_images(tree: Tree, found: SplitImages, options: ReadOptions) -> RawRows:
    """Return the rows of the images of split folders, with images held out where a split lacks.

    Raises:
        DataError: A class folder is named after no known emotion, and labels are not kept.
    """
    labels = folder_labels(tree, found.classes, options)
    # The same images are drawn whether or not labels are kept as they are spelt.
    emotional = all(is_emotion_name(label) for label in set(labels))
    drawn_by = [canonical_emotion(label) for label in labels] if emotional else labels
    usages, drawn = draw_missing_splits(found.splits, drawn_by, options)
    return rows_of_files(
        tree,
        SOURCE,
        found.names,
        usages=usages,
        labels=labels,
        notes=found.notes,
        drawn=drawn,
    )
