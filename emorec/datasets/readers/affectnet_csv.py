"""Reads AffectNet as published first: photos, and CSV files with boxes, landmarks and expressions.

The layout is that of the release of AffectNet (Mollahosseini, Hasani and Mahoor 2017, "AffectNet: A
Database for Facial Expression, Valence, and Arousal Computing in the Wild") with training.csv,
validation.csv and Manually_Annotated_Images/.
"""

import csv
from collections.abc import Iterator, Sequence

from emorec.datasets.readers.affectnet import LABELS
from emorec.datasets.readers.boxes import numbers, source_box
from emorec.datasets.readers.image_files import RawImage
from emorec.datasets.readers.rows import (
    NO_EMOTIONS,
    TRAIN,
    VALIDATION,
    RawRows,
    ReadOptions,
    SourceBox,
)
from emorec.datasets.readers.shared import draw_missing_splits, is_listable, rows_of_files
from emorec.datasets.readers.table import header_of, text_lines
from emorec.datasets.readers.tree import Tree, is_csv
from emorec.errors import DataError

SOURCE = "affectnet"

_SPLITS = {
    "training.csv": TRAIN,
    "validation.csv": VALIDATION,
    "automatically_annotated.csv": TRAIN,
}
"""Split by the lower-case name of a list."""

_BOX = ("face_x", "face_y", "face_width", "face_height")

_PATH, _LANDMARKS, _EXPRESSION = "subdirectory_filepath", "facial_landmarks", "expression"

_POINTS = ((36, 42), (42, 48), (30, 31), (48, 49), (54, 55))
"""First and last number, exclusive, of the points whose means are the points of `Landmarks`, among
the 68 points of iBUG 300-W."""

_FOLDERS = ("manually_annotated_images", "automatically_annotated_images")
"""Folders, in lower case, to which the paths in the lists are relative."""


def matches(tree: Tree) -> bool:
    """Return whether a tree has training.csv or validation.csv with the columns of AffectNet."""
    return bool(_lists(tree))


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read the lists, the boxes and the landmarks of the faces, and the photos that they name.

    Images that show no face, no expression or an uncertain one have a label of `NO_EMOTIONS`. A
    row without a usable box has none. Validation is drawn from train if it is missing, and test,
    which is not published, always.

    Raises:
        DataError: There is no such list, it is broken, a path leads out of the folder, or an
            expression is unknown.
    """
    lists = _lists(tree)
    if not lists:
        raise DataError(
            f"{tree.place}: no training.csv or validation.csv of AffectNet with the columns "
            "subDirectory_filePath and expression was found"
        )
    if tree.place.is_file() and len(tree.files) == 1:
        raise DataError(
            f"{tree.place}: name the folder that holds this list and Manually_Annotated_Images"
        )
    folders = [f for f in tree.folders if f.rpartition("/")[2].lower() in _FOLDERS]
    prefixes = ["", *(f"{folder}/" for folder in sorted(folders))]
    names, labels, splits, lines = [], [], [], []
    boxes: list[SourceBox | None] = []
    for path in lists:
        split = _SPLITS[path.rpartition("/")[2].lower()]
        for line, name, label, box in _rows(tree.files[path]):
            found = (prefix + name for prefix in prefixes if prefix + name in tree.files)
            names.append(next(found, name))
            labels.append(label)
            splits.append(split)
            lines.append(line)
            boxes.append(box)
    if not names:
        raise DataError(f"{tree.locate(lists[0])}: the file has a header and no rows")
    bare = [
        box is None and label not in NO_EMOTIONS for box, label in zip(boxes, labels, strict=True)
    ]
    usages, drawn = draw_missing_splits(splits, labels, options)
    return rows_of_files(
        tree,
        SOURCE,
        names,
        usages=usages,
        labels=labels,
        notes=[f"rows without a usable box of the face: {sum(bare):,}"] if any(bare) else [],
        drawn=drawn,
        label_files=[tree.files[path] for path in lists],
        lines=lines,
        boxes=boxes,
    )


def _lists(tree: Tree) -> list[str]:
    """Return the paths of the lists, at the top or in a folder of it."""
    return [
        path
        for path, file in sorted(tree.files.items())
        if is_csv(path)
        and path.count("/") <= 1
        and path.rpartition("/")[2].lower() in _SPLITS
        and {_PATH, _EXPRESSION} <= set(header_of(file))
    ]


def _rows(file: RawImage) -> Iterator[tuple[int, str, str, SourceBox | None]]:
    """Read line, path, label and box of each row of a list, one by one: a list has 400 MB.

    Raises:
        DataError: The list is broken, a path leads out of the folder, or an expression is unknown.
    """
    known = {str(number): label for number, label in enumerate(LABELS)}
    header: list[str] = []
    for line, text in text_lines(file):
        try:
            values = next(csv.reader([text], strict=True))
        except csv.Error as error:
            raise DataError(f"{file.location}: row {line}: not CSV ({error})") from error
        if not header:
            header = [name.strip().lower() for name in values]
            continue
        if len(values) != len(header):
            raise DataError(
                f"{file.location}: row {line} has {len(values)} values; the header names "
                f"{len(header)} columns"
            )
        row = dict(zip(header, map(str.strip, values), strict=True))
        if not is_listable(row[_PATH]):
            raise DataError(
                f"{file.location}: row {line}: unsafe path {row[_PATH]!r:.80}; paths must be "
                "relative, with forward slashes, and stay inside"
            )
        if row[_EXPRESSION] not in known:
            raise DataError(
                f"{file.location}: row {line}: unknown expression {row[_EXPRESSION]!r:.60}; known: "
                f"0 to {len(known) - 1}"
            )
        yield line, row[_PATH], known[row[_EXPRESSION]], _box(row, f"{file.location}: row {line}")


def _box(row: dict[str, str], place: str) -> SourceBox | None:
    """Return the box of the face of a row, with its landmarks; None without a usable box."""
    texts = [row.get(name, "") for name in _BOX]
    points = row.get(_LANDMARKS, "").split(";")
    try:
        landmarks = _five_points(points, place) if len(points) == 136 else ()
        return source_box(texts, landmarks, place)
    except DataError:
        return None  # rows without a face have NULL, or a box of no size


def _five_points(texts: Sequence[str], place: str) -> list[str]:
    """Return x and y of the points of `Landmarks`, from 68 points."""
    values = numbers(texts, f"{place}: the landmarks")
    return [
        str(sum(values[2 * first + axis : 2 * end : 2]) / (end - first))
        for first, end in _POINTS
        for axis in (0, 1)
    ]
