"""Decides which images of a source go where in a prepared data set, and accounts for the rest."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass

from emorec.datasets.manifest import UNLABELLED
from emorec.datasets.source import USAGES, Source
from emorec.errors import DataError
from emorec.labels import emotions, labels_from_votes

SCHEMA = 1
"""Version of the tree and of its summary; another version is prepared anew."""


@dataclass(frozen=True)
class Duplicate:
    """A name that stands on several rows: kept once if their votes and usage are equal."""

    name: str
    rows: list[int]
    kept: bool


@dataclass(frozen=True)
class Selection:
    """The images of a source that are on disk, with their place in the prepared data set.

    Attributes:
        source: Where they come from.
        policy: Vote policy that gives the labels.
        classes: 7 or 8.
        rows: Rows of `source` whose image is there, in file order; n of them.
        labels: Label of each; "" where the policy gives none.
        targets: Path of each in the prepared data set, relative, with forward slashes.
        sizes: Bytes of each image file.
        duplicates: Names that stand more than once, in file order.
        missing_images: Rows whose image is not on disk though its folder is.
        missing_folders: Rows whose whole folder of images is absent.
        fingerprint: Changes when the options, the label file or an image changes.
    """

    source: Source
    policy: str
    classes: int
    rows: list[int]
    labels: list[str]
    targets: list[str]
    sizes: list[int]
    duplicates: list[Duplicate]
    missing_images: list[int]
    missing_folders: list[int]
    fingerprint: str


def select(source: Source, policy: str, classes: int) -> Selection:
    """Apply the duplicate rule and the vote policy, and look which images are there.

    Raises:
        ConfigError: The policy or the number of classes is unknown.
        DataError: The label file cannot be read, or no image is there at all.
    """
    names = emotions(classes)
    numbers = labels_from_votes(source.votes, policy, classes)
    chosen, duplicates = without_duplicates(source)
    digest = hashlib.sha256(repr((SCHEMA, source.kind, policy, classes)).encode())
    digest.update(source.label_file.read_bytes())
    rows, sizes, labels, targets = [], [], [], []
    missing_folders, missing_images = [], []
    for row in chosen:
        usage = source.usages[row]
        if usage in source.missing_folders:
            missing_folders.append(row)
            continue
        try:
            status = source.images[row].stat()
        except FileNotFoundError:
            missing_images.append(row)
            continue
        label = names[numbers[row]] if numbers[row] >= 0 else ""
        folder = f"{USAGES[usage][1]}/{label}" if label else UNLABELLED
        rows.append(row)
        labels.append(label)
        targets.append(f"{folder}/{source.names[row]}")
        sizes.append(status.st_size)
        digest.update(f"{row} {status.st_size} {status.st_mtime_ns}\n".encode())
    if not rows:
        raise DataError(f"{source.root}: none of the images that the label file names is there")
    return Selection(
        source=source,
        policy=policy,
        classes=classes,
        rows=rows,
        labels=labels,
        targets=targets,
        sizes=sizes,
        duplicates=duplicates,
        missing_images=missing_images,
        missing_folders=missing_folders,
        fingerprint=digest.hexdigest(),
    )


def without_duplicates(source: Source) -> tuple[list[int], list[Duplicate]]:
    """Give the rows to use: one of several that agree, none of several that differ."""
    by_name: defaultdict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(source.names):
        by_name[name].append(row)
    dropped: set[int] = set()
    duplicates = []
    for name, rows in by_name.items():
        if len(rows) > 1:
            first = rows[0]
            kept = all(
                source.usages[row] == source.usages[first]
                and (source.votes[row] == source.votes[first]).all()
                for row in rows
            )
            duplicates.append(Duplicate(name, rows, kept))
            dropped.update(rows[1:] if kept else rows)
    return [row for row in range(len(source.names)) if row not in dropped], duplicates
