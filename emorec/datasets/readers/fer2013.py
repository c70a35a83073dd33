"""Reads FER-2013: its pixel CSV files, with FERPlus votes if asked, and its folder tree."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from emorec.datasets.readers.ferplus import KIND as FERPLUS
from emorec.datasets.readers.ferplus import read_votes
from emorec.datasets.readers.image_files import PixelImage, RawImage
from emorec.datasets.readers.pixels import PixelRows, read_pixels
from emorec.datasets.readers.rows import (
    HELD_OUT,
    TEST,
    TRAIN,
    VALIDATION,
    Gap,
    RawRows,
    ReadOptions,
)
from emorec.datasets.readers.tree import Tree, read_tree
from emorec.datasets.splitting import stratified
from emorec.errors import ConfigError, DataError
from emorec.labels import FER2013_EMOTIONS, canonical_emotion

KIND = "fer2013"

CSV_FILES = ("fer2013.csv", "icml_face_data.csv", "train.csv", "test.csv")

_USAGES = ("Training", "PublicTest", "PrivateTest")

_SPLIT_FOLDERS = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
}


def csv_files(tree: Tree) -> list[str]:
    """Paths of the pixel CSV files to read: the whole one, or those of the parts."""
    found = [path for name in CSV_FILES for path in (name, f"{name}.gz") if path in tree.files]
    whole = [path for path in found if not path.startswith(("train.", "test."))]
    return whole[:1] or found


def read_fer2013_csv(tree: Tree, reading: ReadOptions) -> RawRows:
    """Read fer2013.csv, icml_face_data.csv, or train.csv and test.csv.

    Args:
        tree: Holds the file at its top, or is the file.
        reading: With `ferplus_csv` the votes come from there, row by row.

    Raises:
        DataError: The file is broken or hostile, or the two files do not belong together.
    """
    paths = csv_files(tree) or (list(tree.files) if len(tree.files) == 1 else [])
    if not paths:
        raise DataError(f"{tree.place}: holds no {CSV_FILES[0]}")
    if reading.ferplus_csv:
        if len(paths) > 1:
            paths = [path for path in paths if not path.startswith("test.")]
        votes = read_tree(reading.ferplus_csv).files.get(reading.ferplus_csv.name)
        if votes is None:
            raise ConfigError(
                f"{reading.ferplus_csv}: --ferplus-csv must name the file fer2013new.csv"
            )
        return read_with_votes(tree, paths[0], votes)
    parts = [_with_labels(tree, path) for path in paths]
    names = [name for part in parts for name in part.names]
    labels = [label for part in parts for label in part.labels]
    usages = [usage for part in parts for usage in part.usages]
    if VALIDATION not in usages and "PublicTest" not in usages:
        usages = held_out(usages, labels, reading)
    return RawRows(
        place=tree.place,
        label_files=[tree.files[path] for path in paths],
        kinds=[KIND] * len(names),
        lines=[line for part in parts for line in part.lines],
        names=names,
        pictures=[picture for part in parts for picture in part.pictures],
        usages=usages,
        labels=labels,
        notes=_unlabelled_note(labels),
    )


def _unlabelled_note(labels: list[str]) -> list[str]:
    missing = labels.count("")
    return [f"{missing:,} rows have no emotion, as in test.csv"] if missing else []


def _pictures(file: RawImage, rows: PixelRows) -> list[PixelImage]:
    images = (image for block in rows.blocks for image in block)
    return [
        PixelImage(f"{file.label}: row {line}", image, rows.faults.get(row, ""))
        for row, (line, image) in enumerate(zip(rows.lines, images, strict=True))
    ]


def _usages(label: str, rows: PixelRows, default: str) -> list[str]:
    usages = rows.columns.get("usage") or [default] * len(rows.lines)
    if strange := set(usages) - {*_USAGES, TEST}:
        row = next(i for i, usage in enumerate(usages) if usage in strange)
        raise DataError(
            f"{label}: row {rows.lines[row]}: unknown usage {usages[row]!r:.60}; known: "
            f"{', '.join(_USAGES)}"
        )
    return usages


class _Part(NamedTuple):
    """The rows of one pixel CSV file."""

    pictures: list[PixelImage]
    names: list[str]
    labels: list[str]
    usages: list[str]
    lines: list[int]


def _with_labels(tree: Tree, path: str) -> _Part:
    file = tree.files[path]
    rows = read_pixels(file)
    is_test = path.startswith("test.") or "emotion" not in rows.columns
    usages = _usages(file.label, rows, TEST if is_test else "Training")
    codes = {str(code): name for code, name in enumerate(FER2013_EMOTIONS)}
    emotions = rows.columns.get("emotion")
    labels = [codes.get(code, "") for code in emotions] if emotions else [""] * len(usages)
    for row, label in enumerate(labels):
        if emotions and not label:
            raise DataError(
                f"{file.label}: row {rows.lines[row]}: the emotion must be a number from 0 to 6; "
                f"received {emotions[row]!r:.40}"
            )
    stem = Path(path).name.split(".")[0]
    names = [f"{stem}-{row:05}.png" for row in range(len(usages))]
    return _Part(_pictures(file, rows), names, labels, usages, rows.lines)


def read_with_votes(tree: Tree, path: str, votes_file: RawImage) -> RawRows:
    """Join the pixels of a file with the votes of another, row by row.

    Raises:
        DataError: A file is broken or hostile, or the two do not belong together.
    """
    file = tree.files[path]
    mismatch = f"{file.label} and {votes_file.label} do not belong together"
    table, votes = read_votes(votes_file)
    wanted, names = table.columns["Usage"], table.columns["Image name"]
    rows = read_pixels(file)
    if "usage" not in rows.columns and "emotion" not in rows.columns:
        raise DataError(f"{file.label}: has no column 'Usage', so no votes can be matched with it")
    usages = _usages(file.label, rows, "Training")
    if len(usages) > len(wanted):
        raise DataError(f"{mismatch}: {len(usages):,} rows of pixels, {len(wanted):,} of votes")
    for row, (usage, other) in enumerate(zip(usages, wanted, strict=False)):
        if usage != other:
            raise DataError(
                f"{mismatch}: row {rows.lines[row]} is {usage} in one and {other} in the other"
            )
    pictures: list[RawImage | None] = [*_pictures(file, rows)]
    absent = len(wanted) - len(usages)
    pictures += [None] * absent
    named = [index for index, name in enumerate(names) if name]
    note = (
        f"{absent:,} rows of {Path(votes_file.label).name} have no pixels: {path} ends before them"
    )
    gap = Gap("no pixels", note, [row for row, i in enumerate(named) if i >= len(usages)])
    return RawRows(
        place=tree.place,
        label_files=[votes_file, file],
        kinds=[FERPLUS] * len(named),
        lines=[table.lines[i] for i in named],
        names=[names[i] for i in named],
        pictures=[pictures[i] for i in named],
        usages=[wanted[i] for i in named],
        votes=votes[named],
        nameless=Counter(usage for usage, name in zip(wanted, names, strict=True) if not name),
        gaps=[gap] if absent else [],
    )


def has_fer2013_folders(tree: Tree) -> bool:
    """Tell whether a tree has train/ and test/ with folders of images in them."""
    tops = {path.split("/")[0].lower() for path in tree.images() if path.count("/") == 2}
    return {"train", "test"} <= tops and tops <= set(_SPLIT_FOLDERS)


def read_fer2013_folders(tree: Tree, reading: ReadOptions) -> RawRows:
    """Read a folder tree train/EMOTION/..., test/EMOTION/... and perhaps validation/EMOTION/...

    Without a folder for validation, some of train is held out; with the defaults they are those
    that training on the raw tree holds out.

    Raises:
        DataError: A folder is named after no known emotion.
    """
    paths = sorted(p for p in tree.images() if p.count("/") == 2)
    tops = [_SPLIT_FOLDERS.get(path.split("/")[0].lower()) for path in paths]
    chosen = [(path, top) for path, top in zip(paths, tops, strict=True) if top]
    if not chosen:
        raise DataError(f"{tree.place}: no train/EMOTION/ with images was found")
    names = [path for path, _ in chosen]
    usages = [top for _, top in chosen]
    labels = folder_labels(tree, [name.split("/")[1] for name in names], reading)
    if VALIDATION not in usages:
        usages = held_out(usages, labels, reading)
    return RawRows(
        place=tree.place,
        label_files=[],
        kinds=[f"{KIND}-folders"] * len(names),
        lines=[0] * len(names),
        names=names,
        pictures=[tree.files[name] for name in names],
        usages=usages,
        labels=labels,
        notes=tree.notes(),
    )


def held_out(usages: list[str], labels: list[str], reading: ReadOptions) -> list[str]:
    """Hold out some of the training images of each class for validation."""
    train = [row for row, usage in enumerate(usages) if usage in (TRAIN, "Training")]
    result = list(usages)
    for index in stratified([labels[row] for row in train], reading.validation, reading.seed):
        result[train[index]] = HELD_OUT
    return result


def folder_labels(tree: Tree, folders: list[str], reading: ReadOptions) -> list[str]:
    """Give the label of each image by the folder it stands in.

    Raises:
        DataError: A name is not known, and labels are not kept as they are.
    """
    if reading.keep_labels:
        return folders
    try:
        known = {folder: canonical_emotion(folder) for folder in sorted(set(folders))}
    except DataError as error:
        raise DataError(
            f"{tree.place}: {error}; labels of your own are taken with --keep-labels"
        ) from error
    return [known[folder] for folder in folders]
