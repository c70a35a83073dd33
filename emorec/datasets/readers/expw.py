"""Reads ExpW: photos with the boxes of several faces each, each box with its expression.

The layout is that of the readme of ExpW (Zhang, Luo, Loy and Tang 2018, "From Facial Expression
Recognition to Interpersonal Relation Prediction"): label.lst has a line for each face.
"""

from collections import Counter

from emorec.datasets.readers.boxes import numbers, source_box
from emorec.datasets.readers.rows import (
    TEST,
    VALIDATION,
    RawRows,
    ReadOptions,
    SourceBox,
)
from emorec.datasets.readers.shared import numbered_labels, rows_of_files, safe_path
from emorec.datasets.readers.table import parse_words, text_lines
from emorec.datasets.readers.tree import Tree
from emorec.datasets.splitting import stratified_splits
from emorec.errors import DataError

SOURCE = "expw"

_LISTS = ("label.lst", "label/label.lst", "data/label/label.lst")

_EDGES = ("top", "left", "right", "bottom")

_COLUMNS = ("path", "face_id_in_image", *_EDGES, "confidence", "expression")
"""Columns of label.lst: the edges of the box are in pixels, the confidence that of a cascade."""

_LABELS = {
    "0": "angry",
    "1": "disgust",
    "2": "fear",
    "3": "happy",
    "4": "sad",
    "5": "surprise",
    "6": "neutral",
}


def matches(tree: Tree) -> bool:
    """Return whether a tree has label.lst, and its first line as many values as that of ExpW."""
    path = next((path for path in _LISTS if path in tree.files), None)
    if path is None:
        return False
    _, first = next(text_lines(tree.files[path]), (0, ""))
    return len(first.split()) >= len(_COLUMNS)


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read label.lst and the photos that it names, wherever they are in the tree.

    The splits are drawn at random, with all faces of a photo in one of them.

    Raises:
        DataError: The list is missing or broken, or has a box that is none or an unknown number of
            an expression.
    """
    path = next((path for path in _LISTS if path in tree.files), None)
    if path is None:
        raise DataError(f"{tree.place}: no label.lst of ExpW was found")
    table = parse_words(tree.files[path], _COLUMNS)
    labels = numbered_labels(table, "expression", _LABELS)
    listed = [safe_path(table, row) for row in range(len(table.lines))]
    place_of = {image.rpartition("/")[2]: image for image in sorted(tree.images(), reverse=True)}
    edges = zip(*(table.columns[name] for name in _EDGES), strict=True)
    boxes = [
        _box(texts, f"{table.path}: row {line}")
        for texts, line in zip(edges, table.lines, strict=True)
    ]
    faces = Counter(listed)
    return rows_of_files(
        tree,
        SOURCE,
        [place_of.get(name, name) for name in listed],
        usages=stratified_splits(labels, options.validation, options.test, options.seed),
        labels=labels,
        groups=[name if faces[name] > 1 else "" for name in listed],
        drawn={VALIDATION: options.validation, TEST: options.test},
        label_files=[tree.files[path]],
        lines=table.lines,
        boxes=boxes,
    )


def _box(edges: tuple[str, ...], place: str) -> SourceBox | None:
    """Convert the edges of a box, top, left, right and bottom.

    Raises:
        DataError: They are no numbers, or the box is empty.
    """
    top, left, right, bottom = numbers(edges, f"{place}: the box top,left,right,bottom")
    return source_box([str(left), str(top), str(right - left), str(bottom - top)], (), place)
