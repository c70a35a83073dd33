"""Reads JAFFE by its file names, with the person as the group.

The names are those of the data set (Lyons, Kamachi and Gyoba 1998, "The Japanese Female Facial
Expression (JAFFE) Dataset"): in KA.AN1.39.tiff, KA is the person and AN the expression.
"""

import re

from emorec.datasets.readers.rows import RawRows, ReadOptions
from emorec.datasets.readers.shared import rows_of_people, without_person
from emorec.datasets.readers.tree import Tree
from emorec.errors import DataError

SOURCE = "jaffe"

_LABELS = {
    "AN": "angry",
    "DI": "disgust",
    "FE": "fear",
    "HA": "happy",
    "NE": "neutral",
    "SA": "sad",
    "SU": "surprise",
}

_NAME = re.compile(rf"([A-Z]{{2}})\.({'|'.join(_LABELS)})\d\.\d+\.\w+", re.IGNORECASE)
"""Person, expression with its number, and number of the image."""


def matches(tree: Tree) -> bool:
    """Return whether nearly all images are at the top and named as KA.AN1.39.tiff."""
    images = tree.images()
    named = sum(_NAME.fullmatch(path) is not None for path in images)
    return bool(images) and named >= 0.9 * len(images)


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read the images at the top of a tree; nobody is in two splits.

    Raises:
        DataError: No image has such a name.
    """
    images = sorted(tree.images())
    found = {path: match for path in images if (match := _NAME.fullmatch(path))}
    if not found:
        raise DataError(f"{tree.place}: no image KA.AN1.39.tiff of JAFFE was found")
    return rows_of_people(
        tree,
        SOURCE,
        list(found),
        [_LABELS[match[2].upper()] for match in found.values()],
        [match[1].upper() for match in found.values()],
        options,
        notes=without_person([path for path in images if path not in found]),
    )
