"""What a reader of a raw data set hands over: one row for each image that has a name."""

from dataclasses import dataclass
from pathlib import Path

from emorec.labels import Votes

TRAIN, VALIDATION, TEST = "train", "validation", "test"

SPLITS = (TRAIN, VALIDATION, TEST)

USAGES = {
    "Training": (TRAIN, "train"),
    "PublicTest": (VALIDATION, "test"),
    "PrivateTest": (TEST, "test"),
}
"""Split and top folder of the prepared data set for each usage of FER-2013."""


@dataclass(frozen=True)
class Source:
    """The rows of a raw data set, as columns of n values each, in file order.

    Attributes:
        kind: Name of the data set, for the manifest's source column.
        root: Folder the user named.
        label_file: File that holds the votes.
        lines: Line of `label_file` on which each row stands.
        names: File name of each image: one safe path component; it may stand twice.
        images: Where each image is, or should be.
        usages: A key of `USAGES` for each row.
        votes: Vote counts, shape (n, 10).
        nameless: How many further rows name no image, by usage.
        missing_folders: Usages whose whole folder of images is absent, with the folder's name.
    """

    kind: str
    root: Path
    label_file: Path
    lines: list[int]
    names: list[str]
    images: list[Path]
    usages: list[str]
    votes: Votes
    nameless: dict[str, int]
    missing_folders: dict[str, str]
