"""Decides which images of a source go where in a prepared data set, and accounts for the rest."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from emorec.datasets.manifest import MAX_LABEL, UNLABELLED
from emorec.datasets.readers.ferplus import is_file_name
from emorec.datasets.readers.image_files import RawImage
from emorec.datasets.readers.rows import USAGES, RawRows
from emorec.datasets.splitting import ordered
from emorec.errors import DataError
from emorec.labels import emotions, labels_from_votes

SCHEMA = 2
"""Version of the tree and of its summary; another version is prepared anew."""


_LARGE = 16 * 2**20
"""Larger label files are known by size and time, as images are; fer2013new.csv has 1.6 MB."""


@dataclass(frozen=True)
class Duplicate:
    """A name that stands on several rows: kept once if their labels and usage are equal."""

    name: str
    rows: list[int]
    kept: bool


@dataclass(frozen=True)
class Selection:
    """The images of a source that are there, with their place in the prepared data set.

    Attributes:
        source: Where they come from.
        policy: Vote policy that gives the labels; None where they are given.
        classes: 7 or 8; None where labels of the user's own are kept.
        names: The classes.
        rows: Rows of `source` whose image is there, in file order; n of them.
        pictures: The image of each.
        labels: Label of each; "" where there is none.
        targets: Path of each in the prepared data set, relative, with forward slashes.
        duplicates: Names that stand more than once, in file order.
        missing: Rows whose image alone is not there.
        fingerprint: Changes when the options, a label file or an image changes.
        leaks: Rows whose picture is also in a later split, each with the row there; None where
            it was not looked for.
        leaks_dropped: They are taken out.
    """

    source: RawRows
    policy: str | None
    classes: int | None
    names: tuple[str, ...]
    rows: list[int]
    pictures: list[RawImage]
    labels: list[str]
    targets: list[str]
    duplicates: list[Duplicate]
    missing: list[int]
    fingerprint: str
    leaks: dict[int, int] | None = None
    leaks_dropped: bool = False


def with_leaks(selection: Selection, found: dict[int, int], drop: bool) -> Selection:
    """Note leaks, as indices among the selected images, and take them out if asked."""
    rows = selection.rows
    kept = [index for index in range(len(rows)) if not (drop and index in found)]
    return replace(
        selection,
        rows=[rows[index] for index in kept],
        pictures=[selection.pictures[index] for index in kept],
        labels=[selection.labels[index] for index in kept],
        targets=[selection.targets[index] for index in kept],
        leaks={rows[index]: rows[other] for index, other in found.items()},
        leaks_dropped=drop,
    )


def select(
    source: RawRows,
    policy: str,
    classes: int,
    keep_labels: bool = False,
    options: Sequence[object] = (),
) -> Selection:
    """Apply the duplicate rule and the vote policy, and look which images are there.

    Args:
        source: The rows.
        policy: Vote policy, for sources with votes.
        classes: 7 or 8.
        keep_labels: The labels of a source without votes are the user's own.
        options: What else decides the result, for the fingerprint.

    Raises:
        ConfigError: The policy or the number of classes is unknown.
        DataError: A label file cannot be read, a label is no folder name, or no image is there.
    """
    names, all_labels = _labels(source, policy, classes, keep_labels)
    chosen, duplicates = without_duplicates(source)
    absent = {row for gap in source.gaps for row in gap.rows}
    rows = [row for row in chosen if row not in absent]
    missing = [row for row in rows if source.pictures[row] is None]
    rows = [row for row in rows if source.pictures[row] is not None]
    if not rows:
        more = f" ({source.notes[0]})" if source.notes else ""
        raise DataError(f"{source.place}: none of the images that it names is there{more}")
    labels = [all_labels[row] for row in rows]
    pictures = [picture for row in rows if (picture := source.pictures[row])]
    voted = source.votes is not None
    digest = hashlib.sha256(
        repr((SCHEMA, voted and policy, classes, keep_labels, *options)).encode()
    )
    for file in source.label_files:
        if file.size > _LARGE:
            digest.update(f"{file.size} {file.stamp}".encode())
        else:
            with file.open() as stream:
                digest.update(stream.read())
    targets = _targets(source, rows, labels)
    digest.update("\n".join(targets).encode())
    stamps = [(picture.size, picture.stamp) for picture in pictures]
    digest.update(np.array(stamps, np.int64).tobytes())
    return Selection(
        source=source,
        policy=policy if voted else None,
        classes=None if keep_labels and not voted else classes,
        names=names,
        rows=rows,
        pictures=pictures,
        labels=labels,
        targets=targets,
        duplicates=duplicates,
        missing=missing,
        fingerprint=digest.hexdigest(),
    )


def _labels(
    source: RawRows, policy: str, classes: int, keep_labels: bool
) -> tuple[tuple[str, ...], list[str]]:
    """Give the classes, and the label of each row or ""."""
    names = emotions(classes)
    if source.votes is not None:
        by_number = np.array([*names, ""])  # the last one answers to -1
        return names, by_number[labels_from_votes(source.votes, policy, classes)].tolist()
    labels = source.labels or []
    if not keep_labels:
        return names, [label if label in names else "" for label in labels]
    own = set(labels) - {""}
    for label in own:
        if len(label) > MAX_LABEL or not is_file_name(label) or label != label.strip():
            raise DataError(f"{source.place}: the label {label!r:.80} is no plain folder name")
    return ordered(own), labels


def _targets(source: RawRows, rows: list[int], labels: list[str]) -> list[str]:
    """Give each image a path of its own, even on disks that take a for A."""
    taken: set[str] = set()
    times: Counter[str] = Counter()
    targets = []
    for row, label in zip(rows, labels, strict=True):
        folder = f"{USAGES[source.usages[row]][1]}/{label}" if label else UNLABELLED
        wanted = target = f"{folder}/{_file_name(source.names[row])}"
        stem, _, suffix = wanted.rpartition(".")
        while (key := target.casefold()) in taken:
            times[wanted] += 1
            target = f"{stem}-{times[wanted] + 1}.{suffix}"
        taken.add(key)
        targets.append(target)
    return targets


def _file_name(path: str) -> str:
    """Give the last part of a path, without what other systems do not take in a file name."""
    name = path.rpartition("/")[2]
    if is_file_name(name):
        return name
    return "".join("_" if character in '\\:*?"<>|' else character for character in name)


def without_duplicates(source: RawRows) -> tuple[list[int], list[Duplicate]]:
    """Give the rows to use: one of several that agree, none of several that differ."""
    keys = list(zip(source.kinds, source.names, strict=True))
    if len(set(keys)) == len(keys):
        return list(range(len(keys))), []
    by_key: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        by_key[key].append(row)
    dropped: set[int] = set()
    duplicates = []
    for (_, name), rows in by_key.items():
        if len(rows) > 1:
            kept = len({_content(source, row) for row in rows}) == 1
            duplicates.append(Duplicate(name, rows, kept))
            dropped.update(rows[1:] if kept else rows)
    return [row for row in range(len(keys)) if row not in dropped], duplicates


def _content(source: RawRows, row: int) -> tuple[object, ...]:
    votes = source.votes
    label = source.labels[row] if source.labels else ""
    return (source.usages[row], label, () if votes is None else tuple(votes[row].tolist()))
