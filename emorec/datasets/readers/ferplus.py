"""Reads FERPlus: the votes of its CSV files and the folders of images that its script makes."""

import re
from collections import Counter

import numpy as np

from emorec.datasets.readers.image_files import RawImage
from emorec.datasets.readers.rows import Gap, RawRows, ReadOptions
from emorec.datasets.readers.table import LabelTable, parse_table, vote_counts
from emorec.datasets.readers.tree import Tree, is_image
from emorec.errors import DataError
from emorec.labels import FERPLUS_COLUMNS, Votes

VOTES_FILE = "fer2013new.csv"
LABEL_FILE = "label.csv"

KIND = "ferplus"

LABEL_CSV = "label-csv"
"""What `ReadOptions.votes` is where the votes of the folders' own files are wanted."""

FOLDERS = {
    "Training": "FER2013Train",
    "PublicTest": "FER2013Valid",
    "PrivateTest": "FER2013Test",
}

PARENTS = ("output/", "data/", "")
"""Where the folders of images stand: generate_training_data.py is told by the user."""


_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,250}")
"""Nearly all names; the full rule takes five times as long."""


def has_ferplus(tree: Tree) -> bool:
    """Tell whether a tree is a FERPlus checkout, whole or in part."""
    starts = tuple(f"{parent}{folder}/" for parent in PARENTS for folder in FOLDERS.values())
    return VOTES_FILE in tree.files or any(path.startswith(starts) for path in tree.files)


def has_images(tree: Tree) -> bool:
    """Tell whether any of the folders of images is there."""
    return any(_folder(tree, name) for name in FOLDERS.values())


def read_ferplus(tree: Tree, reading: ReadOptions) -> RawRows:
    """Read the votes of a FERPlus checkout and find its images.

    Args:
        tree: Holds fer2013new.csv and, in output/, data/ or beside it, the folders FER2013Train,
            FER2013Valid and FER2013Test; for `reading.votes` "label-csv" each with a label.csv.
        reading: How to read.

    Raises:
        DataError: A CSV file is missing or broken, or names an image or usage that cannot be.
    """
    return _read_label_files(tree) if reading.votes == LABEL_CSV else _read_votes_file(tree)


def read_votes(file: RawImage) -> tuple[LabelTable, Votes]:
    """Read fer2013new.csv: its rows as text, and its votes.

    Raises:
        DataError: It is broken, or names an image or usage that cannot be.
    """
    table = parse_table(file, ("Usage", "Image name", *FERPLUS_COLUMNS))
    if not table.lines:
        raise DataError(f"{file.label}: the file has a header and no rows")
    usages, names = table.columns["Usage"], table.columns["Image name"]
    if strange := set(usages) - set(FOLDERS):
        row = next(i for i, usage in enumerate(usages) if usage in strange)
        raise DataError(
            f"{file.label}: row {table.lines[row]}: unknown usage {usages[row]!r:.60}; known: "
            f"{', '.join(FOLDERS)}"
        )
    for name, line in zip(names, table.lines, strict=True):
        if name and not is_file_name(name):
            raise DataError(
                f"{file.label}: row {line}: {name!r:.80} is no plain file name; images are looked "
                "for in the folders of the data set only"
            )
    return table, vote_counts(table, FERPLUS_COLUMNS)


def is_file_name(name: str) -> bool:
    """Tell whether a name is a single, visible path component on every system."""
    return bool(_PLAIN.fullmatch(name)) or (
        name.isprintable()
        and not any(character in name for character in '/\\:*?"<>|')
        and not name.startswith(".")
        and 0 < len(name.encode()) <= 255
    )


def _read_votes_file(tree: Tree) -> RawRows:
    file = tree.files.get(VOTES_FILE)
    if file is None:
        raise DataError(
            f"{tree.place}: holds no {VOTES_FILE}; name a FERPlus checkout, or take the votes of "
            f"the folders' own files with --votes label-csv"
        )
    table, votes = read_votes(file)
    usages, names = table.columns["Usage"], table.columns["Image name"]
    folders = {usage: _folder(tree, name) for usage, name in FOLDERS.items()}
    named = [index for index, name in enumerate(names) if name]
    return RawRows(
        place=tree.place,
        label_files=[file],
        kinds=[KIND] * len(named),
        lines=[table.lines[i] for i in named],
        names=[names[i] for i in named],
        pictures=[tree.files.get(f"{folders[usages[i]]}/{names[i]}") for i in named],
        usages=[usages[i] for i in named],
        votes=votes[named],
        nameless=Counter(usage for usage, name in zip(usages, names, strict=True) if not name),
        gaps=[
            _gap(usage, [row for row, i in enumerate(named) if usages[i] == usage])
            for usage, folder in folders.items()
            if folder is None and usage in usages
        ],
        notes=tree.notes(),
    )


def _gap(usage: str, rows: list[int]) -> Gap:
    folder = FOLDERS[usage]
    return Gap(
        "image folder missing",
        f"the folder {folder} is missing or holds no image: {len(rows):,} {usage} images are left "
        "out",
        rows,
    )


def _folder(tree: Tree, name: str) -> str | None:
    """Find the folder of that name which holds images; FERPlus ships data/ with labels only."""
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
    pictures: list[RawImage | None] = []
    for usage, name in FOLDERS.items():
        parent = next((p for p in PARENTS if f"{p}{name}/{LABEL_FILE}" in tree.files), None)
        if parent is None:
            notes.append(f"{name}/{LABEL_FILE} is missing: no {usage} image is read")
            continue
        files.append(tree.files[f"{parent}{name}/{LABEL_FILE}"])
        table = parse_table(files[-1], (), header=("name", "box", *FERPLUS_COLUMNS))
        first, folder = len(pictures), _folder(tree, name)
        for image, line in zip(table.columns["name"], table.lines, strict=True):
            if not is_file_name(image):
                raise DataError(f"{table.path}: row {line}: {image!r:.80} is no plain file name")
            pictures.append(tree.files.get(f"{folder}/{image}"))
        if folder is None:
            gaps.append(_gap(usage, list(range(first, len(pictures)))))
        tables.append((usage, table))
    if not pictures:
        raise DataError(f"{tree.place}: no FER2013Train/{LABEL_FILE} with images was found")
    return RawRows(
        place=tree.place,
        label_files=files,
        kinds=[f"{KIND}-{LABEL_CSV}"] * len(pictures),
        lines=[line for _, table in tables for line in table.lines],
        names=[name for _, table in tables for name in table.columns["name"]],
        pictures=pictures,
        usages=[usage for usage, table in tables for _ in table.lines],
        votes=np.concatenate([vote_counts(table, FERPLUS_COLUMNS) for _, table in tables]),
        gaps=gaps,
        notes=[*notes, *tree.notes()],
    )
