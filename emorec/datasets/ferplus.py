"""Reads a FERPlus checkout: fer2013new.csv and the folders of images that its script makes."""

from collections import Counter
from pathlib import Path

from emorec.datasets.source import USAGES, Source
from emorec.datasets.table import read_table, vote_counts
from emorec.errors import DataError
from emorec.images import IMAGE_SUFFIXES
from emorec.labels import FERPLUS_COLUMNS

VOTES_FILE = "fer2013new.csv"

FOLDERS = {
    "Training": "FER2013Train",
    "PublicTest": "FER2013Valid",
    "PrivateTest": "FER2013Test",
}

PARENTS = ("output", "data", ".")
"""Where the folders of images stand: generate_training_data.py is told by the user."""


def read_ferplus(root: Path) -> Source:
    """Read the votes of a FERPlus checkout and find its images.

    Args:
        root: Folder that holds fer2013new.csv and, in output/, data/ or beside it, the folders
            FER2013Train, FER2013Valid and FER2013Test.

    Raises:
        DataError: The CSV file is missing or broken, or names an image or usage that cannot be.
    """
    path = root / VOTES_FILE
    table = read_table(path, ("Usage", "Image name", *FERPLUS_COLUMNS))
    if not table.lines:
        raise DataError(f"{path}: the file has a header and no rows")
    votes = vote_counts(table, FERPLUS_COLUMNS)
    usages, names = table.columns["Usage"], table.columns["Image name"]
    for usage, name, line in zip(usages, names, table.lines, strict=True):
        if usage not in USAGES:
            raise DataError(
                f"{path}: row {line}: unknown usage {usage!r:.60}; known: {', '.join(USAGES)}"
            )
        if name and not _is_file_name(name):
            raise DataError(
                f"{path}: row {line}: {name!r:.80} is no plain file name; images are looked for "
                "in the folders of the data set only"
            )
    folders = {usage: _folder(root, name) for usage, name in FOLDERS.items()}
    named = [index for index, name in enumerate(names) if name]
    return Source(
        kind="ferplus",
        root=root,
        label_file=path,
        lines=[table.lines[i] for i in named],
        names=[names[i] for i in named],
        images=[(folders[usages[i]] or root / FOLDERS[usages[i]]) / names[i] for i in named],
        usages=[usages[i] for i in named],
        votes=votes[named],
        nameless=Counter(usage for usage, name in zip(usages, names, strict=True) if not name),
        missing_folders={
            usage: FOLDERS[usage]
            for usage, folder in folders.items()
            if folder is None and usage in usages
        },
    )


def _is_file_name(name: str) -> bool:
    return (
        name.isprintable()
        and not any(character in name for character in '/\\:*?"<>|')
        and not name.startswith(".")
        and len(name.encode()) <= 255
    )


def _folder(root: Path, name: str) -> Path | None:
    """Find the folder of that name which holds images; FERPlus ships data/ with labels only."""
    for parent in PARENTS:
        folder = root / parent / name
        if folder.is_dir() and any(p.suffix.lower() in IMAGE_SUFFIXES for p in folder.iterdir()):
            return folder
    return None
