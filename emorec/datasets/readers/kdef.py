"""Reads KDEF by its file names, with the person as the group.

The names are those of the data set (Lundqvist, Flykt and Oehman 1998, "The Karolinska Directed
Emotional Faces"): in AF01ANHL.JPG, A is the session, F01 the person, AN the expression and HL the
angle. Both sessions show the same people.
"""

import re

from emorec.datasets.readers.rows import RawRows, ReadOptions
from emorec.datasets.readers.shared import rows_of_people, without_person
from emorec.datasets.readers.tree import Tree
from emorec.errors import DataError

SOURCE = "kdef"

_LABELS = {
    "AF": "fear",
    "AN": "angry",
    "DI": "disgust",
    "HA": "happy",
    "NE": "neutral",
    "SA": "sad",
    "SU": "surprise",
}

_TAKEN = ("S", "HL", "HR")
"""Angles that are taken: from the front, and the half profiles, on which both eyes are visible."""

_NAME = re.compile(
    rf"(?:.*/)?(?P<folder>[AB](?P<person>[FM]\d\d))"
    rf"(?P<expression>{'|'.join(_LABELS)})(?P<angle>S|HL|HR|FL|FR)\.\w+",
    re.IGNORECASE,
)
"""Session and person, expression, and angle: straight, half or full, left or right."""


def matches(tree: Tree) -> bool:
    """Return whether nearly all images are AF01/AF01ANS.JPG, or such files at the top."""
    images = tree.images()
    return bool(images) and sum(map(_is_named, images)) >= 0.9 * len(images)


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read the images from the front and of the half profiles; nobody is in two splits.

    Full profiles are not used: the detectors frame faces of which both eyes are visible.

    Raises:
        DataError: No image has such a name.
    """
    images = sorted(tree.images())
    found = [match for path in images if (match := _NAME.fullmatch(path))]
    if not found:
        raise DataError(f"{tree.place}: no image AF01ANS.JPG of KDEF was found")
    taken = [match for match in found if match["angle"].upper() in _TAKEN]
    profiles = [match[0] for match in found if match["angle"].upper() not in _TAKEN]
    notes = [f"full profiles are not used: {len(profiles):,} ({profiles[0]})"] if profiles else []
    others = [path for path in images if not _NAME.fullmatch(path)]
    return rows_of_people(
        tree,
        SOURCE,
        [match[0] for match in taken],
        [_LABELS[match["expression"].upper()] for match in taken],
        [match["person"].upper() for match in taken],
        options,
        notes=[*notes, *without_person(others)],
        unused=[tree.files[path] for path in profiles],
    )


def _is_named(path: str) -> bool:
    """Return whether a path is AF01ANS.JPG, at the top or in a folder AF01."""
    match = _NAME.fullmatch(path)
    folder = path.rpartition("/")[0].rpartition("/")[2]
    return match is not None and folder.upper() in ("", match["folder"].upper())
