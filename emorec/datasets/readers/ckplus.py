"""Reads the CK+48 folders, with the person as the group, because faces of one look alike."""

import re

from emorec.datasets.readers.rows import RawRows, ReadOptions
from emorec.datasets.readers.shared import folder_labels, rows_of_people, without_person
from emorec.datasets.readers.tree import Tree
from emorec.errors import DataError

SOURCE = "ckplus"

_NAME = re.compile(r"(S\d{3})_\d{3}_\d{8}\.png", re.IGNORECASE)
"""Person, session and frame, such as S010_004_00000017.png."""


def matches(tree: Tree) -> bool:
    """Return whether nearly all images are EMOTION/S010_004_00000017.png."""
    images = _images_in_folders(tree)
    named = sum(_person(path) is not None for path in images)
    return bool(images) and named >= 0.9 * len(images)


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read EMOTION/S010_004_00000017.png, with the person as the group.

    Raises:
        DataError: No image has such a name, or a folder is named after no known emotion.
    """
    images = sorted(_images_in_folders(tree))
    names = [path for path in images if _person(path)]
    if not names:
        raise DataError(f"{tree.place}: no image EMOTION/S010_004_00000017.png was found")
    labels = folder_labels(tree, [name.split("/")[0] for name in names], options)
    others = [path for path in images if not _person(path)]
    people = [_person(path) or "" for path in names]
    return rows_of_people(
        tree, SOURCE, names, labels, people, options, notes=without_person(others)
    )


def _images_in_folders(tree: Tree) -> list[str]:
    return [path for path in tree.images() if path.count("/") == 1]


def _person(path: str) -> str | None:
    match = _NAME.fullmatch(path.rpartition("/")[2])
    return match[1].upper() if match else None
