"""Reads the user's own data as a CSV list of images with labels."""

from itertools import zip_longest

import numpy as np

from emorec.datasets.prepared_files import VOTE_COLUMNS
from emorec.datasets.readers.boxes import source_box
from emorec.datasets.readers.rows import (
    HELD_OUT,
    TEST,
    VALIDATION,
    RawRows,
    ReadOptions,
    SourceBox,
    label_votes,
)
from emorec.datasets.readers.shared import (
    hold_out_validation,
    leading_emotions,
    own_labels,
    require_known,
    safe_path,
)
from emorec.datasets.readers.split_folders import SPLIT_NAMES
from emorec.datasets.readers.table import LabelTable, header_of, parse_table, vote_counts
from emorec.datasets.readers.tree import Tree, read_folder
from emorec.datasets.splitting import stratified_splits
from emorec.errors import DataError
from emorec.labels import Votes, canonical_emotion
from emorec.types import LANDMARK_COLUMNS

SOURCE = "csv"

_BOX_COLUMNS = ("x", "y", "width", "height")


def matches(tree: Tree) -> bool:
    """Return whether a tree has one CSV file at its top, with the columns path and label."""
    lists = tree.csv_files()
    return len(lists) == 1 and {"path", "label"} <= set(header_of(tree.files[lists[0]]))


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read a CSV file with the columns path, label and, optionally, split, group and a box.

    The columns x, y, width and height hold the box of the face in pixels of the upright image; an
    image may have a row for each of its faces. A row may leave them empty. The columns of
    `LANDMARK_COLUMNS` hold the points by which crops of tilted faces are rotated, and may be empty.

    Paths are relative to the file's folder. Without a split column the images are split by the
    shares of the options. With a split column but no validation, a share of train is held out.

    With the columns votes_neutral to votes_not_face, one for each of `VOTE_CLASSES`, the votes of a
    row decide and its label counts only if it has no votes; the labels are emotions then.

    Raises:
        DataError: The list is broken, a path leads out of the folder, a label is unknown, or votes
            are no numbers or of some classes only.
    """
    lists = tree.csv_files()
    if len(lists) != 1:
        raise DataError(
            f"{tree.place}: needs one CSV file with the columns path and label; found {len(lists)}"
        )
    file = tree.files[lists[0]]
    table = parse_table(file, ("path", "label"))
    if not table.lines:
        raise DataError(f"{file.location}: the file has a header and no rows")
    names = [safe_path(table, row) for row in range(len(table.lines))]
    if tree.place.is_file() and len(tree.files) == 1 and file.path:
        folders = dict.fromkeys(name.rpartition("/")[0] for name in names)
        images = read_folder(tree.place.parent, folders)
    else:
        images = tree
    votes = None
    if any(name in table.columns for name in VOTE_COLUMNS):
        votes = _votes(table)
        labels = leading_emotions(votes)
    else:
        labels = own_labels(tree, table.columns["label"], options)
    usages, drawn = _usages(table, labels, options)
    return RawRows(
        place=tree.place,
        label_files=[file],
        sources=[SOURCE] * len(names),
        lines=table.lines,
        names=names,
        images=[images.files.get(name) for name in names],
        usages=usages,
        votes=votes,
        labels=labels if votes is None else None,
        groups=table.columns.get("group"),
        notes=images.notes(),
        drawn=drawn,
        columns=table.columns,
        keeps_near_duplicates="split" not in table.columns,
        boxes=_boxes(table),
    )


def _votes(table: LabelTable) -> Votes:
    """Return the votes of each row; those of its label where it has none."""
    votes = vote_counts(table, VOTE_COLUMNS)
    bare = votes.sum(axis=1) == 0
    spelt = [label if row else "" for label, row in zip(table.columns["label"], bare, strict=True)]
    try:
        labels = [label and canonical_emotion(label) for label in spelt]
    except DataError as error:
        raise DataError(
            f"{table.path}: {error}; with columns of votes, every label is an emotion"
        ) from error
    return np.where(bare[:, None], label_votes(labels), votes)


def _boxes(table: LabelTable) -> list[SourceBox | None] | None:
    """Read the columns of boxes.

    Raises:
        DataError: A column is missing, or a row has no box of a face.
    """
    present = [name for name in _BOX_COLUMNS if name in table.columns]
    # Lists that state the size of each image have a width and a height, and no box.
    if set(present) <= {"width", "height"}:
        return None
    if missing := [name for name in _BOX_COLUMNS if name not in present]:
        raise DataError(
            f"{table.path}: the columns {', '.join(present)} of a box lack {', '.join(missing)}; "
            "add them, or remove these columns"
        )
    rows = zip(*(table.columns[name] for name in _BOX_COLUMNS), strict=True)
    known = set(LANDMARK_COLUMNS) <= table.columns.keys()
    points = zip(*(table.columns[name] for name in LANDMARK_COLUMNS), strict=True) if known else ()
    return [
        source_box(texts, spelt, f"{table.path}: row {line}")
        for texts, spelt, line in zip_longest(rows, points, table.lines, fillvalue=())
    ]


def _usages(
    table: LabelTable, labels: list[str], options: ReadOptions
) -> tuple[list[str], dict[str, float]]:
    """Return the usage of each row, and the share of each usage that is drawn at random."""
    if "split" not in table.columns:
        usages = stratified_splits(labels, options.validation, options.test, options.seed)
        return usages, {VALIDATION: options.validation, TEST: options.test}
    splits = [split.lower() for split in table.columns["split"]]
    require_known("split", splits, SPLIT_NAMES, table.path, table.lines)
    usages = [SPLIT_NAMES[split] for split in splits]
    if VALIDATION in usages:
        return usages, {}
    return hold_out_validation(usages, labels, options), {HELD_OUT: options.validation}
