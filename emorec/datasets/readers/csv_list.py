"""Reads the user's own data as a CSV list of images with labels."""

from emorec.datasets.readers.rows import HELD_OUT, TEST, VALIDATION, RawRows, ReadOptions
from emorec.datasets.readers.shared import (
    hold_out_validation,
    own_labels,
    require_known,
    safe_path,
)
from emorec.datasets.readers.split_folders import SPLIT_NAMES
from emorec.datasets.readers.table import LabelTable, header_of, parse_table
from emorec.datasets.readers.tree import Tree, read_folder
from emorec.datasets.splitting import stratified_splits
from emorec.errors import DataError

SOURCE = "csv"


def matches(tree: Tree) -> bool:
    """Return whether a tree has one CSV file at its top, with the columns path and label."""
    lists = tree.csv_files()
    return len(lists) == 1 and {"path", "label"} <= set(header_of(tree.files[lists[0]]))


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read a CSV file with the columns path, label and, optionally, split and group.

    Paths are relative to the file's folder. Without a split column the images are split by the
    shares of the options. With a split column but no validation, a share of train is held out.

    Raises:
        DataError: The list is broken, a path leads out of the folder, or a label is unknown.
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
        labels=labels,
        groups=table.columns.get("group"),
        notes=images.notes(),
        drawn=drawn,
        columns=table.columns,
        keeps_near_duplicates="split" not in table.columns,
    )


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
