"""Reads the CK+48 folders and splits them by person, as faces of one person resemble each other."""

import re

from emorec.datasets.readers.fer2013 import folder_labels
from emorec.datasets.readers.rows import RawRows, ReadOptions
from emorec.datasets.readers.tree import Tree
from emorec.datasets.splitting import grouped_splits
from emorec.errors import DataError

KIND = "ckplus"

_NAME = re.compile(r"(S\d{3})_\d{3}_\d{8}\.png", re.IGNORECASE)
"""Person, session and frame, such as S010_004_00000017.png."""


def has_ckplus(tree: Tree) -> bool:
    """Tell whether nearly all images are EMOTION/S010_004_00000017.png."""
    images = [path for path in tree.images() if path.count("/") == 1]
    fitting = sum(_person(path) is not None for path in images)
    return bool(images) and fitting >= 0.9 * len(images)


def _person(path: str) -> str | None:
    found = _NAME.fullmatch(path.rpartition("/")[2])
    return found[1].upper() if found else None


def read_ckplus(tree: Tree, reading: ReadOptions) -> RawRows:
    """Read EMOTION/S010_004_00000017.png and split by person.

    Raises:
        DataError: No image has such a name, or a folder is named after no known emotion.
    """
    images = sorted(path for path in tree.images() if path.count("/") == 1)
    names = [path for path in images if _person(path)]
    if not names:
        raise DataError(f"{tree.place}: no EMOTION/S010_004_00000017.png was found")
    people = [_person(path) or "" for path in names]
    others = [path for path in images if not _person(path)]
    return RawRows(
        place=tree.place,
        label_files=[],
        kinds=[KIND] * len(names),
        lines=[0] * len(names),
        names=names,
        pictures=[tree.files[name] for name in names],
        usages=grouped_splits(people, reading.validation, reading.test, reading.seed),
        labels=folder_labels(tree, [name.split("/")[0] for name in names], reading),
        notes=[
            *(
                [f"images whose names tell no person are left out: {len(others):,} ({others[0]})"]
                if others
                else []
            ),
            *tree.notes(),
        ],
    )
