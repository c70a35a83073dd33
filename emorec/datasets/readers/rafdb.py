"""Reads the single-label set of RAF-DB: seven basic emotions, with its split for training and test.

The layout is that of the readme of RAF-DB (Li, Deng and Du 2017, "Reliable Crowdsourcing and Deep
Locality-Preserving Learning for Expression Recognition in the Wild").
"""

from emorec.datasets.readers.rows import TEST, TRAIN, RawRows, ReadOptions
from emorec.datasets.readers.shared import (
    draw_missing_splits,
    numbered_labels,
    require_known,
    rows_of_files,
    safe_path,
)
from emorec.datasets.readers.table import parse_words
from emorec.datasets.readers.tree import Tree
from emorec.errors import DataError

SOURCE = "rafdb"

_LABELS = {
    "1": "surprise",
    "2": "fear",
    "3": "disgust",
    "4": "happy",
    "5": "sad",
    "6": "angry",
    "7": "neutral",
}

_LISTS = tuple(
    f"{folder}EmoLabel/{name}"
    for folder in ("", "basic/")
    for name in ("list_patition_label.txt", "list_partition_label.txt")
)
"""Paths of the list of labels; the first name is spelt like that in the published archive."""


def matches(tree: Tree) -> bool:
    """Return whether a tree has the list of labels of RAF-DB."""
    return any(path in tree.files for path in _LISTS)


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read the list of labels and the aligned faces, or the original photos without them.

    The images whose names begin with test are the test split. A share of the others is held out for
    validation.

    Raises:
        DataError: The list is missing or broken, or a name or a number of a label is unknown.
    """
    path = next((path for path in _LISTS if path in tree.files), None)
    if path is None:
        raise DataError(f"{tree.place}: no {_LISTS[0]} of RAF-DB was found")
    table = parse_words(tree.files[path], ("path", "label"))
    listed = [safe_path(table, row) for row in range(len(table.lines))]
    splits = [name.partition("_")[0] for name in listed]
    known = {"train": TRAIN, "test": TEST}
    require_known("beginning of an image name", splits, known, table.path, table.lines)
    labels = numbered_labels(table, "label", _LABELS)
    folder = f"{path.partition('EmoLabel/')[0]}Image/"
    names = [f"{folder}aligned/{_aligned(name)}" for name in listed]
    if not any(name in tree.files for name in names):
        names = [f"{folder}original/{name}" for name in listed]
    usages, drawn = draw_missing_splits([known[split] for split in splits], labels, options)
    return rows_of_files(
        tree,
        SOURCE,
        names,
        usages=usages,
        labels=labels,
        drawn=drawn,
        label_files=[tree.files[path]],
        lines=table.lines,
    )


def _aligned(name: str) -> str:
    """Return the name of the aligned face of a photo: train_00001_aligned.jpg."""
    stem, _, suffix = name.rpartition(".")
    return f"{stem}_aligned.{suffix}"
