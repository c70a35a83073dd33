"""Reads data of the user's own: one folder of images for each class, or a CSV list of images."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from emorec.datasets.readers.fer2013 import folder_labels
from emorec.datasets.readers.rows import HELD_OUT, TEST, TRAIN, VALIDATION, RawRows, ReadOptions
from emorec.datasets.readers.table import LabelTable, parse_table
from emorec.datasets.readers.tree import Tree, read_folder
from emorec.datasets.splitting import grouped_splits, stratified, stratified_splits
from emorec.errors import DataError

KIND, LIST_KIND = "folders", "csv"

CKPLUS_FOLDER = "CK+48"
"""No class, though Kaggle's archive of CK+ has it beside another folder."""

_SPLITS = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "publictest": VALIDATION,
    "test": TEST,
    "privatetest": TEST,
}


def has_folders(tree: Tree) -> bool:
    """Tell whether images stand in two or more folders, and in folders only."""
    tops = {path.split("/")[0] if "/" in path else "" for path in tree.images()}
    return len(tops) > 1 and not tops & {"", CKPLUS_FOLDER}


def read_folders(tree: Tree, reading: ReadOptions) -> RawRows:
    """Read LABEL/.../image and split every class by the asked shares.

    Raises:
        DataError: There is no such image, or a folder is named after no known emotion.
    """
    names = sorted(path for path in tree.images() if "/" in path)
    if not names:
        raise DataError(f"{tree.place}: no folder with images was found")
    labels = folder_labels(tree, [name.split("/")[0] for name in names], reading)
    return RawRows(
        place=tree.place,
        label_files=[],
        kinds=[KIND] * len(names),
        lines=[0] * len(names),
        names=names,
        pictures=[tree.files[name] for name in names],
        usages=stratified_splits(labels, reading.validation, reading.test, reading.seed),
        labels=labels,
        notes=tree.notes(),
    )


def lists_of_images(tree: Tree) -> list[str]:
    """Paths of the CSV files at the top of a tree."""
    endings = (".csv", ".csv.gz")
    return [path for path in tree.files if "/" not in path and path.lower().endswith(endings)]


def read_list(tree: Tree, reading: ReadOptions) -> RawRows:
    """Read a CSV file with the columns path, label and, if wanted, split and group.

    Paths are relative to the file's folder. Without splits the images are divided by the asked
    shares, no group (a person, say) into two splits; splits without validation hold some of
    train out for it.

    Raises:
        DataError: The list is broken, a path leads out of the folder, or a label is unknown.
    """
    lists = lists_of_images(tree)
    if len(lists) != 1:
        raise DataError(f"{tree.place}: needs one CSV file with path and label; found {len(lists)}")
    file = tree.files[lists[0]]
    table = parse_table(file, ("path", "label"))
    if not table.lines:
        raise DataError(f"{file.label}: the file has a header and no rows")
    names = [_inside(table, row) for row in range(len(table.lines))]
    if tree.place.is_file() and len(tree.files) == 1 and file.path:
        folders = dict.fromkeys(name.rpartition("/")[0] for name in names)
        images = read_folder(tree.place.parent, folders)
    else:
        images = tree
    labels = _labels(tree, table, reading)
    return RawRows(
        place=tree.place,
        label_files=[file],
        kinds=[LIST_KIND] * len(names),
        lines=table.lines,
        names=names,
        pictures=[images.files.get(name) for name in names],
        usages=_usages(table, labels, reading),
        labels=labels,
        notes=images.notes(),
    )


def _inside(table: LabelTable, row: int) -> str:
    text = table.columns["path"][row]
    path = PurePosixPath(text)
    if (
        not path.parts
        or path.is_absolute()
        or ".." in path.parts
        or "\\" in text
        or not text.isprintable()
    ):
        raise DataError(
            f"{table.path}: row {table.lines[row]}: unsafe path {text!r:.80}; paths must be "
            "relative to the list's folder, with forward slashes, and stay inside"
        )
    return str(path)


def _labels(tree: Tree, table: LabelTable, reading: ReadOptions) -> list[str]:
    given = table.columns["label"]
    known = [label for label in given if label]
    mapped = dict(zip(known, folder_labels(tree, known, reading), strict=True))
    return [mapped.get(label, "") for label in given]


def _usages(table: LabelTable, labels: list[str], reading: ReadOptions) -> list[str]:
    groups = table.columns.get("group")
    if "split" not in table.columns:
        if groups:
            return grouped_splits(groups, reading.validation, reading.test, reading.seed)
        return stratified_splits(labels, reading.validation, reading.test, reading.seed)
    usages = [_SPLITS.get(split.lower(), "") for split in table.columns["split"]]
    if "" in usages:
        row = usages.index("")
        raise DataError(
            f"{table.path}: row {table.lines[row]}: unknown split "
            f"{table.columns['split'][row]!r:.60}; known: {', '.join(_SPLITS)}"
        )
    if VALIDATION in usages:
        return usages
    train = [row for row, usage in enumerate(usages) if usage == TRAIN]
    for index in _chosen(
        [labels[row] for row in train], groups and [groups[r] for r in train], reading
    ):
        usages[train[index]] = HELD_OUT
    return usages


def _chosen(labels: list[str], groups: list[str] | None, reading: ReadOptions) -> Sequence[int]:
    if groups:
        splits = grouped_splits(groups, reading.validation, 0, reading.seed)
        return [row for row, split in enumerate(splits) if split == VALIDATION]
    return [int(row) for row in stratified(labels, reading.validation, reading.seed)]
