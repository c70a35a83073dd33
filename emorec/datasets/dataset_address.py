"""Addresses of data sets that Hugging Face datasets reads: hf:FOLDER and hf:OWNER/NAME[@REV]."""

import re
from pathlib import Path
from typing import NamedTuple

from emorec.errors import DataError

_SCHEME = "hf:"

_NAME = re.compile(r"((?:[A-Za-z0-9][\w.-]{0,95}/)?[A-Za-z0-9][\w.-]{0,95})(?:@([\w./-]{1,250}))?")
"""Name of a data set on the hub, and its branch, tag or commit."""


class DatasetAddress(NamedTuple):
    """A data set for Hugging Face datasets; either `folder` or `name` is set.

    Attributes:
        folder: Folder or file on this computer.
        name: Name on the hub: OWNER/NAME, or NAME alone.
        revision: Branch, tag or commit on the hub; None for the newest.
    """

    folder: Path | None = None
    name: str = ""
    revision: str | None = None


def is_address(place: Path) -> bool:
    """Return whether a source begins with hf:."""
    return str(place).startswith(_SCHEME)


def parse_address(place: Path) -> DatasetAddress:
    """Parse an address. What exists on this computer is a folder or a file, all else a name.

    Raises:
        DataError: It is neither.
    """
    text = str(place).removeprefix(_SCHEME)
    if text and Path(text).exists():
        return DatasetAddress(Path(text))
    # Path makes "hf:/owner/name" of "hf://owner/name".
    match = _NAME.fullmatch(text.lstrip("/"))
    if match is None:
        raise DataError(
            f"{place}: no such folder, and no name on the Hugging Face hub; expected hf:FOLDER or "
            "hf:OWNER/NAME[@REV]"
        )
    return DatasetAddress(name=match[1], revision=match[2])


def local_path(source: Path) -> Path:
    """Return the path of a source on this computer: that of the folder, for hf:FOLDER."""
    text = str(source).removeprefix(_SCHEME)
    return Path(text) if is_address(source) and text else source
