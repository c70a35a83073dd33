"""Selects the images of a prepared data set, their labels and their paths in it."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from emorec.datasets.face_rows import FaceRow
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.prepared_files import MAX_LABEL, NO_FACE, UNLABELLED
from emorec.datasets.readers.image_files import RawImage
from emorec.datasets.readers.rows import USAGES, RawRows
from emorec.datasets.readers.tree import is_device_name, is_file_name
from emorec.datasets.splitting import ordered
from emorec.errors import DataError
from emorec.labels import emotions, labels_from_votes
from emorec.types import Box

SCHEMA_VERSION = 2
"""Version of the tree and of its summary; a tree of another version is prepared again."""

_LARGE = 16 * 2**20
"""Label files above this size enter the fingerprint by size and time; fer2013new.csv has 1.6 MB."""


_MANY = 100
"""The same if there are more label files than this, such as one for each image."""


@dataclass(frozen=True)
class RepeatedName:
    """An image name on several rows.

    Attributes:
        name: The image name.
        rows: Indices of the rows.
        kept: Whether one of the rows is kept, because their labels and usages are equal.
    """

    name: str
    rows: list[int]
    kept: bool


@dataclass(frozen=True)
class Selection:
    """The available images of raw data and their places in the prepared data set.

    Attributes:
        raw: The raw data.
        policy: Vote policy of the labels; None where the data has labels instead of votes.
        classes: 7 or 8; None where the user's own labels are kept.
        names: The class names.
        rows: Rows of `raw` whose image is available, in file order; n of them.
        images: Image of each selected row.
        labels: Label of each selected row; "" for none.
        targets: Path of each image in the prepared data set, relative, with forward slashes.
        repeated_names: Names on more than one row, in file order.
        missing: Rows whose image alone is missing.
        fingerprint: Hash that changes when the options, a label file or an image changes.
        leaks: Rows whose image is also in a later split, each with the row there; None if leaks
            were not searched.
        leaks_dropped: Whether the leaks are removed.
        faces: What is known about the face of each image; None where no face was cut out.
        face_settings: "faces" of the summary, without its counts; None where no image was searched.
    """

    raw: RawRows
    policy: str | None
    classes: int | None
    names: tuple[str, ...]
    rows: list[int]
    images: list[RawImage]
    labels: list[str]
    targets: list[str]
    repeated_names: list[RepeatedName]
    missing: list[int]
    fingerprint: str
    leaks: dict[int, int] | None = None
    leaks_dropped: bool = False
    faces: Sequence[FaceRow | None] | None = None
    face_settings: Mapping[str, Any] | None = None


def with_leaks(selection: Selection, leaks: dict[int, int], drop: bool) -> Selection:
    """Record leaks in a selection and optionally remove them.

    Args:
        selection: The selected images.
        leaks: Index of each leaking image among the selected ones, with the index of its
            duplicate in a later split.
        drop: Remove the leaking images.
    """
    rows = selection.rows
    kept = [index for index in range(len(rows)) if not (drop and index in leaks)]
    return replace(
        selection,
        rows=[rows[index] for index in kept],
        images=[selection.images[index] for index in kept],
        labels=[selection.labels[index] for index in kept],
        targets=[selection.targets[index] for index in kept],
        faces=selection.faces and [selection.faces[index] for index in kept],
        leaks={rows[index]: rows[other] for index, other in leaks.items()},
        leaks_dropped=drop,
    )


def select(raw: RawRows, options: PrepareOptions, keep_labels: bool = False) -> Selection:
    """Resolve repeated names, apply the vote policy and select the available images.

    Args:
        raw: The raw data.
        options: Options of preparing; all but `strict` and `overwrite` enter the fingerprint.
        keep_labels: Keep the user's own labels of data without votes.

    Raises:
        DataError: A label file cannot be read, a label is not a folder name, or no image is
            available.
    """
    names, all_labels = _labels(raw, options, keep_labels)
    chosen, repeated_names = resolve_repeated_names(raw)
    in_gaps = {row for gap in raw.gaps for row in gap.rows}
    rows = [row for row in chosen if row not in in_gaps]
    missing = [row for row in rows if raw.images[row] is None]
    rows = [row for row in rows if raw.images[row] is not None]
    if not rows:
        more = f" ({raw.notes[0]})" if raw.notes else ""
        raise DataError(f"{raw.place}: none of the images that it names was found{more}")
    labels = [all_labels[row] for row in rows]
    images = [image for row in rows if (image := raw.images[row])]
    faces = None
    if raw.faces is not None:
        faces = [raw.faces[row] for row in rows]
        for index, face in enumerate(faces):
            if face and face.is_apart:
                faces[index] = face._replace(source_label=labels[index])
                labels[index] = ""
    targets = _targets(raw, rows, labels, faces)
    voted = raw.votes is not None
    return Selection(
        raw=raw,
        policy=options.policy if voted else None,
        classes=None if keep_labels and not voted else options.classes,
        names=names,
        rows=rows,
        images=images,
        labels=labels,
        targets=targets,
        repeated_names=repeated_names,
        missing=missing,
        fingerprint=_fingerprint(raw, options, keep_labels, images, targets),
        faces=faces,
        face_settings=raw.face_settings,
    )


def _fingerprint(
    raw: RawRows,
    options: PrepareOptions,
    keep_labels: bool,
    images: list[RawImage],
    targets: list[str],
) -> str:
    """Hash the options, the label files, and the paths, sizes and times of the images.

    The hashed text must not change without a new `SCHEMA_VERSION`: summaries on disk hold it.
    """
    policy = raw.votes is not None and options.policy
    settings = (SCHEMA_VERSION, policy, options.classes, keep_labels, options.link, options.leaks)
    digest = hashlib.sha256(repr((*settings, *options.face_settings)).encode())
    many = len(raw.label_files) > _MANY
    for file in raw.label_files:
        if many or file.size > _LARGE:
            digest.update(f"{file.size} {file.stamp}".encode())
        else:
            with file.open() as stream:
                digest.update(stream.read())
    digest.update("\n".join(targets).encode())
    if raw.groups is not None or raw.keeps_near_duplicates:
        grouped = (raw.keeps_near_duplicates, raw.group_rule, raw.groups, raw.usages)
        digest.update(repr(grouped).encode())
    if raw.relabelled is not None:
        digest.update(repr((raw.relabelled, raw.source_labels, raw.labels)).encode())
        digest.update(b"" if raw.votes is None else raw.votes.tobytes())
    stamps = [(image.size, image.stamp) for image in images]
    digest.update(np.array(stamps, np.int64).tobytes())
    return digest.hexdigest()


def _labels(
    raw: RawRows, options: PrepareOptions, keep_labels: bool
) -> tuple[tuple[str, ...], list[str]]:
    """Return the class names, and the label of each row or ""."""
    names = emotions(options.classes)
    if raw.votes is not None:
        by_index = np.array([*names, ""])  # index -1 is the empty label
        return names, by_index[
            labels_from_votes(raw.votes, options.policy, options.classes)
        ].tolist()
    labels = raw.labels or []
    if not keep_labels:
        return names, [label if label in names else "" for label in labels]
    own = set(labels) - {""}
    for label in own:
        if len(label) > MAX_LABEL or not is_file_name(label) or label != label.strip():
            raise DataError(f"{raw.place}: the label {label!r:.80} is not a plain folder name")
    return ordered(own), labels


class UniquePaths:
    """Makes paths unique, also on file systems that ignore case.

    Args:
        taken: Paths that are in use.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {path.casefold() for path in taken}
        self._times: Counter[str] = Counter()

    def unique(self, path: str) -> str:
        """Return a path, with a number before its suffix if it is in use, and take it."""
        found = path
        stem, _, suffix = path.rpartition(".")
        while (key := found.casefold()) in self._taken:
            self._times[path] += 1
            found = f"{stem}-{self._times[path] + 1}.{suffix}"
        self._taken.add(key)
        return found


def _targets(
    raw: RawRows, rows: list[int], labels: list[str], faces: Sequence[FaceRow | None] | None
) -> list[str]:
    """Return a unique path for each image."""
    paths = UniquePaths()
    targets = []
    for row, label, face in zip(rows, labels, faces or [None] * len(rows), strict=True):
        folder = f"{USAGES[raw.usages[row]][1]}/{label}" if label else UNLABELLED
        if face and face.is_apart:
            folder = NO_FACE
        targets.append(paths.unique(f"{folder}/{_file_name(raw.names[row])}"))
    return targets


def _file_name(path: str) -> str:
    """Return the last part of a path, changed to a name that other systems allow."""
    name = path.rpartition("/")[2]
    if is_file_name(name):
        return name
    name = "".join("_" if character in '\\:*?"<>|' else character for character in name)
    return f"_{name}" if is_device_name(name) else name


def resolve_repeated_names(raw: RawRows) -> tuple[list[int], list[RepeatedName]]:
    """Select one of the rows of a repeated name if they agree, and none if they differ.

    Returns:
        Indices of the selected rows, and the repeated names.
    """
    # An image may have a row for each of its faces.
    boxes = [box and box.box for box in raw.boxes or [None] * len(raw.names)]
    keys = list(zip(raw.sources, raw.names, boxes, strict=True))
    if len(set(keys)) == len(keys):
        return list(range(len(keys))), []
    by_key: defaultdict[tuple[str, str, Box | None], list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        by_key[key].append(row)
    dropped: set[int] = set()
    repeated_names = []
    for (_, name, _), rows in by_key.items():
        if len(rows) > 1:
            kept = len({_content(raw, row) for row in rows}) == 1
            repeated_names.append(RepeatedName(name, rows, kept))
            dropped.update(rows[1:] if kept else rows)
    return [row for row in range(len(keys)) if row not in dropped], repeated_names


def _content(raw: RawRows, row: int) -> tuple[object, ...]:
    votes = raw.votes
    label = raw.labels[row] if raw.labels else ""
    return (raw.usages[row], label, () if votes is None else tuple(votes[row].tolist()))
