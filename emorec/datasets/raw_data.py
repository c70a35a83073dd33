"""Recognizes raw data where a prepared data set is expected, and says how to prepare it."""

import shlex
from pathlib import Path

from emorec.datasets.readers.registry import recognize
from emorec.datasets.readers.tree import read_tree
from emorec.errors import DataError
from emorec.suggestions import close_names

_READ_AS_THEY_ARE = ("prepared", "fer2013-folders")
"""Layouts that need no preparation; what keeps such a folder from being read is another problem."""


def raw_data_problem(place: Path) -> str | None:
    """Describe why a path is no prepared data set if it is missing, a file or raw data.

    Args:
        place: What the user named as a data set.

    Returns:
        The problem and the command to run; None for a folder of another kind.
    """
    try:
        place.stat()
    except (FileNotFoundError, NotADirectoryError):
        return f"{place}: no such folder; {_advice_for_missing(place)}"
    except OSError as error:
        return f"{place}: cannot read: {error.strerror or error}"
    try:
        recognized = recognize(read_tree(place))
    except (DataError, OSError):
        recognized = None
    if recognized and recognized[0] not in _READ_AS_THEY_ARE:
        return f"{place}: raw data, not a prepared data set; prepare it with: {_command(place)}"
    if not place.is_dir():
        return f"{place}: a file, not the folder of a prepared data set; {_SEE_HELP}"
    return None


_SEE_HELP = "emorec prepare-data --help describes the raw data that can be prepared"


def _advice_for_missing(place: Path) -> str:
    try:
        folders = [entry.name for entry in place.parent.iterdir() if entry.is_dir()]
    except OSError:
        folders = []
    if close := close_names(place.name, folders):
        return f"did you mean {str(place.parent / close[0])!r}?"
    return "name a data set that emorec prepare-data has written"


def _command(place: Path) -> str:
    """Return the command that prepares raw data into a new folder beside it."""
    stem = place.stem if place.is_file() else place.resolve().name
    target = place.parent / f"{stem}-prepared"
    return f"emorec prepare-data {shlex.quote(str(place))} --out {shlex.quote(str(target))}"
