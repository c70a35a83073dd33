"""Reads FERPlus: the votes of its CSV files, and the images of its folders or of fer2013.csv."""

from collections import Counter
from pathlib import Path

import numpy as np

from emorec.datasets.choices import LABEL_CSV
from emorec.datasets.readers.image_files import RawImage
from emorec.datasets.readers.pixels import read_pixels
from emorec.datasets.readers.rows import Gap, RawRows, ReadOptions
from emorec.datasets.readers.shared import pixel_csv_files, pixel_usages, require_known
from emorec.datasets.readers.table import LabelTable, parse_table, vote_counts
from emorec.datasets.readers.tree import Tree, is_file_name, is_image
from emorec.errors import DataError
from emorec.labels import FERPLUS_COLUMNS, Votes

SOURCE, LABEL_CSV_SOURCE = "ferplus", "ferplus-label-csv"

VOTES_FILE = "fer2013new.csv"
LABEL_FILE = "label.csv"

FOLDERS = {
    "Training": "FER2013Train",
    "PublicTest": "FER2013Valid",
    "PrivateTest": "FER2013Test",
}

PARENTS = ("output/", "data/", "")
"""Possible parents of the image folders; the user names one to generate_training_data.py."""


def matches(tree: Tree) -> bool:
    """Return whether a tree is a FERPlus checkout, complete or in part."""
    starts = tuple(f"{parent}{folder}/" for parent in PARENTS for folder in FOLDERS.values())
    return VOTES_FILE in tree.files or any(path.startswith(starts) for path in tree.files)


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read the votes and the images of a FERPlus checkout.

    Args:
        tree: Holds fer2013new.csv and, in output/, data/ or at its top, the folders FER2013Train,
            FER2013Valid and FER2013Test, or else fer2013.csv; for `options.votes` "label-csv"
            each folder has a label.csv.
        options: Options of reading.

    Raises:
        DataError: A CSV file is missing or broken, or has an unsafe image name or unknown usage.
    """
    pixels = pixel_csv_files(tree)
    votes_file = tree.files.get(VOTES_FILE)
    if votes_file and pixels and not any(_folder(tree, name) for name in FOLDERS.values()):
        return join_votes(tree, pixels[0], votes_file)
    return _read_label_files(tree) if options.votes == LABEL_CSV else _read_votes_file(tree)


def read_votes(file: RawImage) -> tuple[LabelTable, Votes]:
    """Read fer2013new.csv: its rows as text, and its votes of shape (n, 10).

    Raises:
        DataError: It is broken, or has an unsafe image name or unknown usage.
    """
    table = parse_table(file, ("Usage", "Image name", *FERPLUS_COLUMNS))
    if not table.lines:
        raise DataError(f"{file.location}: the file has a header and no rows")
    require_known("usage", table.columns["Usage"], FOLDERS, file.location, table.lines)
    _require_file_names(table, "Image name", may_be_empty=True)
    return table, vote_counts(table, FERPLUS_COLUMNS)


def join_votes(tree: Tree, path: str, votes_file: RawImage) -> RawRows:
    """Join the pixels of one CSV file with the votes of another, row by row.

    Args:
        tree: Holds the pixel CSV file.
        path: Path of the pixel CSV file in the tree.
        votes_file: fer2013new.csv.

    Raises:
        DataError: A file is broken or unsafe, or the two do not belong together.
    """
    file = tree.files[path]
    mismatch = f"{file.location} and {votes_file.location} do not belong together"
    table, votes = read_votes(votes_file)
    expected, names = table.columns["Usage"], table.columns["Image name"]
    rows = read_pixels(file)
    if "usage" not in rows.columns and "emotion" not in rows.columns:
        raise DataError(
            f"{file.location}: has no column 'Usage', so no votes can be matched with it"
        )
    usages = pixel_usages(file.location, rows, "Training")
    if len(usages) > len(expected):
        raise DataError(f"{mismatch}: {len(usages):,} rows of pixels, {len(expected):,} of votes")
    for row, (usage, other) in enumerate(zip(usages, expected, strict=False)):
        if usage != other:
            raise DataError(
                f"{mismatch}: row {rows.lines[row]} is {usage} in one and {other} in the other"
            )
    missing = len(expected) - len(usages)
    images: list[RawImage | None] = [*rows.images(file.location), *[None] * missing]
    named = [index for index, name in enumerate(names) if name]
    note = (
        f"{missing:,} rows of {Path(votes_file.location).name} have no pixels: {path} ends before "
        "them"
    )
    gap = Gap("no pixels", note, [row for row, i in enumerate(named) if i >= len(usages)])
    return RawRows(
        place=tree.place,
        label_files=[votes_file, file],
        sources=[SOURCE] * len(named),
        lines=[table.lines[i] for i in named],
        names=[names[i] for i in named],
        images=[images[i] for i in named],
        usages=[expected[i] for i in named],
        votes=votes[named],
        nameless=_nameless(expected, names),
        gaps=[gap] if missing else [],
    )


def _nameless(usages: list[str], names: list[str]) -> Counter[str]:
    """Count the rows without an image name, by usage."""
    return Counter(usage for usage, name in zip(usages, names, strict=True) if not name)


def _require_file_names(table: LabelTable, column: str, *, may_be_empty: bool) -> None:
    for name, line in zip(table.columns[column], table.lines, strict=True):
        if not (is_file_name(name) or (may_be_empty and not name)):
            raise DataError(
                f"{table.path}: row {line}: {name!r:.80} is not a plain file name; images are "
                "read from the folders of the data set only"
            )


def _read_votes_file(tree: Tree) -> RawRows:
    file = tree.files.get(VOTES_FILE)
    if file is None:
        raise DataError(
            f"{tree.place}: no {VOTES_FILE} was found; name a FERPlus checkout, or read the votes "
            "from the label.csv of each image folder with --votes label-csv"
        )
    table, votes = read_votes(file)
    usages, names = table.columns["Usage"], table.columns["Image name"]
    folders = {usage: _folder(tree, name) for usage, name in FOLDERS.items()}
    named = [index for index, name in enumerate(names) if name]
    return RawRows(
        place=tree.place,
        label_files=[file],
        sources=[SOURCE] * len(named),
        lines=[table.lines[i] for i in named],
        names=[names[i] for i in named],
        images=[tree.files.get(f"{folders[usages[i]]}/{names[i]}") for i in named],
        usages=[usages[i] for i in named],
        votes=votes[named],
        nameless=_nameless(usages, names),
        gaps=[
            _folder_gap(usage, [row for row, i in enumerate(named) if usages[i] == usage])
            for usage, folder in folders.items()
            if folder is None and usage in usages
        ],
        notes=tree.notes(),
    )


def _folder_gap(usage: str, rows: list[int]) -> Gap:
    note = (
        f"the folder {FOLDERS[usage]} is missing or holds no image: {len(rows):,} {usage} images "
        "are skipped"
    )
    return Gap("image folder missing", note, rows)


def _folder(tree: Tree, name: str) -> str | None:
    """Return the folder of that name which holds images; FERPlus ships data/ with labels only."""
    for parent in PARENTS:
        prefix = f"{parent}{name}/"
        if any(path.startswith(prefix) and is_image(path) for path in tree.files):
            return prefix[:-1]
    return None


def _read_label_files(tree: Tree) -> RawRows:
    """Read label.csv of each folder: name, box and ten counts a row, without a header."""
    files: list[RawImage] = []
    tables: list[tuple[str, LabelTable]] = []
    gaps: list[Gap] = []
    notes: list[str] = []
    images: list[RawImage | None] = []
    for usage, name in FOLDERS.items():
        parent = next((p for p in PARENTS if f"{p}{name}/{LABEL_FILE}" in tree.files), None)
        if parent is None:
            notes.append(f"{name}/{LABEL_FILE} is missing: no {usage} image is read")
            continue
        files.append(tree.files[f"{parent}{name}/{LABEL_FILE}"])
        table = parse_table(files[-1], (), header=("name", "box", *FERPLUS_COLUMNS))
        _require_file_names(table, "name", may_be_empty=False)
        first, folder = len(images), _folder(tree, name)
        images += [tree.files.get(f"{folder}/{image}") for image in table.columns["name"]]
        if folder is None:
            gaps.append(_folder_gap(usage, list(range(first, len(images)))))
        tables.append((usage, table))
    if not images:
        raise DataError(f"{tree.place}: no FER2013Train/{LABEL_FILE} with images was found")
    return RawRows(
        place=tree.place,
        label_files=files,
        sources=[LABEL_CSV_SOURCE] * len(images),
        lines=[line for _, table in tables for line in table.lines],
        names=[name for _, table in tables for name in table.columns["name"]],
        images=images,
        usages=[usage for usage, table in tables for _ in table.lines],
        votes=np.concatenate([vote_counts(table, FERPLUS_COLUMNS) for _, table in tables]),
        gaps=gaps,
        notes=[*notes, *tree.notes()],
    )
