"""Reads the user's own data as one folder of images for each class."""

from emorec.datasets.readers.rows import TEST, VALIDATION, RawRows, ReadOptions
from emorec.datasets.readers.shared import (
    folder_labels,
    require_images,
    rows_of_files,
)
from emorec.datasets.readers.split_folders import split_folders_below, split_of
from emorec.datasets.readers.tree import CKPLUS_FOLDER, Tree
from emorec.datasets.splitting import stratified_splits
from emorec.errors import DataError
from emorec.labels import is_emotion_name

SOURCE = "folders"


def matches(tree: Tree) -> bool:
    """Return whether images are in two or more folders, or in one named after an emotion."""
    tops = {path.split("/")[0] for path in tree.images() if "/" in path}
    return CKPLUS_FOLDER not in tops and (len(tops) > 1 or any(map(is_emotion_name, tops)))


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read LABEL/.../image and split every class by the shares of the options.

    Raises:
        DataError: There is no such image, a folder is named after no known emotion or is a split,
            or a class folder is empty.
    """
    names = sorted(path for path in tree.images() if "/" in path)
    if not names:
        raise DataError(f"{tree.place}: no folder with images was found")
    folders = [name.split("/")[0] for name in names]
    _require_no_splits(tree, set(folders))
    labels = folder_labels(tree, folders, options)
    empty = [
        folder
        for folder in tree.folders
        if "/" not in folder
        and folder not in folders
        and (is_emotion_name(folder) or (options.keep_labels and not tree.has_files(folder)))
    ]
    require_images(tree.place, empty)
    usages = stratified_splits(labels, options.validation, options.test, options.seed)
    drawn = {VALIDATION: options.validation, TEST: options.test}
    return rows_of_files(
        tree,
        SOURCE,
        names,
        usages=usages,
        labels=labels,
        drawn=drawn,
        keeps_near_duplicates=True,
    )


def _require_no_splits(tree: Tree, folders: set[str]) -> None:
    """Check that no class folder is a split or holds one.

    Raises:
        DataError: One does; the folder to name is in the message.
    """
    if splits := sorted(folder for folder in folders if split_of(folder)):
        raise DataError(
            f"{tree.place}: {', '.join(splits)} is the name of a split, never of a class; expected "
            f"folders of classes inside, such as {splits[0]}/happy"
        )
    if outer := split_folders_below(tree):
        named = " ".join(str(tree.locate(folder)) for folder in outer[:3])
        raise DataError(
            f"{tree.place}: the split folders are one level deeper, in {', '.join(outer[:3])}; "
            f"name that instead: emorec prepare-data {named}"
        )
