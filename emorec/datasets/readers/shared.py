"""What several readers share: labels from folders, held-out images, checks of classes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from emorec.datasets.readers.image_files import RawImage
from emorec.datasets.readers.pixels import PixelRows
from emorec.datasets.readers.rows import (
    HELD_OUT,
    TEST,
    TRAIN,
    VALIDATION,
    RawRows,
    ReadOptions,
    SourceBox,
)
from emorec.datasets.readers.table import LabelTable
from emorec.datasets.readers.tree import Tree
from emorec.datasets.splitting import stratified, stratified_splits
from emorec.errors import DataError
from emorec.labels import EMOTIONS_8, Votes, canonical_emotion, labels_from_votes

PIXEL_CSV_FILES = ("fer2013.csv", "icml_face_data.csv", "train.csv", "test.csv")
"""Names under which FER-2013 is published as pixel CSV files; the last two are parts of it."""

PIXEL_USAGES = ("Training", "PublicTest", "PrivateTest")


def rows_of_files(
    tree: Tree,
    source: str,
    names: list[str],
    *,
    usages: list[str],
    labels: list[str],
    groups: list[str] | None = None,
    notes: Iterable[str] = (),
    drawn: Mapping[str, float] | None = None,
    keeps_near_duplicates: bool = False,
    label_files: Iterable[RawImage] = (),
    lines: list[int] | None = None,
    boxes: Sequence[SourceBox | None] | None = None,
    unused: Sequence[RawImage] = (),
) -> RawRows:
    """Build the rows of a data set whose images are files of a tree.

    Args:
        tree: Holds the images.
        source: Name of the data set.
        names: Paths of the images in the tree, n of them; those that it lacks are missing images.
        usages: A key of `USAGES` for each image.
        labels: Label of each image.
        groups: As in `RawRows`.
        notes: Problems to report before those of the tree.
        drawn: As in `RawRows`; None for none.
        keeps_near_duplicates: As in `RawRows`.
        label_files: As in `RawRows`; none where the paths hold the labels.
        lines: As in `RawRows`; None without a list.
        boxes: As in `RawRows`.
        unused: As in `RawRows`.
    """
    return RawRows(
        place=tree.place,
        label_files=list(label_files),
        sources=[source] * len(names),
        lines=lines or [0] * len(names),
        names=names,
        images=[tree.files.get(name) for name in names],
        usages=usages,
        labels=labels,
        groups=groups,
        notes=[*notes, *tree.notes()],
        drawn=drawn or {},
        keeps_near_duplicates=keeps_near_duplicates,
        boxes=boxes,
        unused=unused,
    )


def rows_of_people(
    tree: Tree,
    source: str,
    names: list[str],
    labels: list[str],
    people: list[str],
    options: ReadOptions,
    *,
    notes: Iterable[str] = (),
    label_files: Iterable[RawImage] = (),
    unused: Sequence[RawImage] = (),
) -> RawRows:
    """Build the rows of a data set without splits of which the person on each image is known.

    The splits are drawn by the shares of the options, and nobody is in two of them.

    Args:
        tree: Holds the images.
        source: Name of the data set.
        names: Paths of the images in the tree.
        labels: Label of each image.
        people: Person on each image.
        options: Shares and seed.
        notes: Problems to report before those of the tree.
        label_files: As in `RawRows`.
        unused: As in `RawRows`.
    """
    return rows_of_files(
        tree,
        source,
        names,
        usages=stratified_splits(labels, options.validation, options.test, options.seed),
        labels=labels,
        groups=people,
        notes=notes,
        drawn={VALIDATION: options.validation, TEST: options.test},
        label_files=label_files,
        unused=unused,
    )


def without_person(others: Sequence[str]) -> list[str]:
    """Return the note on images whose names do not say who is on them; none without such images."""
    if not others:
        return []
    return [f"images without a person in the name are skipped: {len(others):,} ({others[0]})"]


def folder_labels(tree: Tree, folders: list[str], options: ReadOptions) -> list[str]:
    """Convert names of class folders to labels: canonical emotions, or the names as they are.

    Raises:
        DataError: A folder is named after no known emotion, and labels are not kept.
    """
    if options.keep_labels:
        return folders
    try:
        known = {folder: canonical_emotion(folder) for folder in sorted(set(folders))}
    except DataError as error:
        raise DataError(
            f"{tree.place}: {error}; use --keep-labels to keep labels of your own"
        ) from error
    return [known[folder] for folder in folders]


def own_labels(tree: Tree, spelt: Sequence[str], options: ReadOptions) -> list[str]:
    """Convert a column of labels as `folder_labels` does; empty ones stay empty."""
    present = [label for label in spelt if label]
    labels = dict(zip(present, folder_labels(tree, present, options), strict=True))
    return [labels.get(label, "") for label in spelt]


def leading_emotions(votes: Votes) -> list[str]:
    """Return the emotion with most votes of each image, by which splits are stratified.

    Args:
        votes: Shape (n, 10), columns as `VOTE_CLASSES`.

    Returns:
        "" for an image without votes for an emotion.
    """
    names = np.array([*EMOTIONS_8, ""])  # index -1 is the empty label
    return [str(name) for name in names[labels_from_votes(votes, "dominant", 8)]]


def numbered_labels(table: LabelTable, column: str, labels: Mapping[str, str]) -> list[str]:
    """Convert a column of numbers to labels.

    Args:
        table: The rows.
        column: Name of the column.
        labels: Label by its number.

    Raises:
        DataError: A number is unknown; the first is named with its row.
    """
    values = table.columns[column]
    require_known(column, values, labels, table.path, table.lines)
    return [labels[value] for value in values]


def safe_path(table: LabelTable, row: int) -> str:
    """Return the path of a row of a list of images, which is in its column path.

    Raises:
        DataError: The path may lead out of the folder of the list.
    """
    text = table.columns["path"][row]
    if not is_listable(text):
        raise DataError(
            f"{table.path}: row {table.lines[row]}: unsafe path {text!r:.80}; paths must be "
            "relative to the list's folder, with forward slashes, and stay inside"
        )
    return str(PurePosixPath(text))


def is_listable(text: str) -> bool:
    """Return whether a list of images may name a path: relative, printable, inside its folder."""
    path = PurePosixPath(text)
    return (
        bool(path.parts)
        and not path.is_absolute()
        and ".." not in path.parts
        and "\\" not in text
        and text.isprintable()
    )


def hold_out_validation(usages: list[str], labels: list[str], options: ReadOptions) -> list[str]:
    """Hold out a share of the training images of each class for validation.

    Returns:
        The usages, `HELD_OUT` for the chosen images.
    """
    train = [row for row, usage in enumerate(usages) if usage in (TRAIN, "Training")]
    result = list(usages)
    for index in stratified([labels[row] for row in train], options.validation, options.seed):
        result[train[index]] = HELD_OUT
    return result


def draw_missing_splits(
    usages: list[str], labels: list[str], options: ReadOptions
) -> tuple[list[str], dict[str, float]]:
    """Take shares of the training images for the splits that a source lacks.

    Args:
        usages: Split of each image: train, validation or test.
        labels: Label of each image, by which the choice is stratified.
        options: Shares and seed.

    Returns:
        The usages, and the share of each usage that was drawn.
    """
    drawn = {}
    result = usages
    if VALIDATION not in usages:
        drawn[HELD_OUT] = options.validation
        result = hold_out_validation(usages, labels, options)
    if TEST not in usages:
        drawn[TEST] = options.test
        train = [row for row, usage in enumerate(result) if usage == TRAIN]
        rest = 1.0 if VALIDATION in usages else 1 - options.validation
        column = [labels[row] for row in train]
        result = list(result)
        for index in stratified(column, options.test / rest, options.seed):
            result[train[index]] = TEST
    return result, drawn


def require_images(place: Path, empty_classes: Sequence[str]) -> None:
    """Check that every class folder has images.

    Raises:
        DataError: A class folder is empty; the first is named.
    """
    if empty_classes:
        raise DataError(
            f"{place}: the class folder {empty_classes[0]} holds no image; add images, or remove "
            "the folder"
        )


def require_known(
    kind: str, values: Sequence[str], known: Collection[str], location: str, lines: Sequence[int]
) -> None:
    """Check a column whose values come from a fixed set.

    Args:
        kind: Name of such a value, for the message.
        values: The column.
        known: The values that are allowed.
        location: The file, for the message.
        lines: Line number of each value.

    Raises:
        DataError: A value is unknown; the first is named with its row.
    """
    if unknown := set(values) - set(known):
        row = next(i for i, value in enumerate(values) if value in unknown)
        raise DataError(
            f"{location}: row {lines[row]}: unknown {kind} {values[row]!r:.60}; known: "
            f"{', '.join(known)}"
        )


def pixel_csv_files(tree: Tree) -> list[str]:
    """Return the paths of FER-2013's pixel CSV files: the whole file, or else its parts."""
    found = [
        path for name in PIXEL_CSV_FILES for path in (name, f"{name}.gz") if path in tree.files
    ]
    whole = [path for path in found if not path.startswith(("train.", "test."))]
    return whole[:1] or found


def pixel_usages(location: str, rows: PixelRows, default: str) -> list[str]:
    """Return the usage of each row of a pixel CSV file; `default` without a usage column.

    Raises:
        DataError: A usage is unknown.
    """
    usages = rows.columns.get("usage")
    if usages is None:
        return [default] * len(rows.lines)
    require_known("usage", usages, (*PIXEL_USAGES, TEST), location, rows.lines)
    return usages
