"""Recognizes raw data where a prepared data set is expected, and says how to prepare it."""

import os
from pathlib import Path

from emorec.datasets.dataset_address import is_address, local_path
from emorec.datasets.readers.registry import recognize, why_unknown
from emorec.datasets.readers.tree import Tree, read_tree
from emorec.errors import DataError
from emorec.file_kinds import is_readable_image_name, is_video_file
from emorec.shell_words import quoted
from emorec.suggestions import close_names

_READ_AS_THEY_ARE = ("prepared", "fer2013-folders")
"""Layouts that need no preparation; what keeps such a folder from being read is another problem."""

_PREPARED_NAMES = dict.fromkeys(("ferplus", "fer2013-csv"), "FER-2013")
"""Names of the prepared folders of data sets, as in the documentation."""


def raw_data_problem(place: Path) -> str | None:
    """Describe why a path is no prepared data set if it is missing, a file or raw data.

    Args:
        place: What the user named as a data set.

    Returns:
        The problem and the command to run; None for a folder of another kind.
    """
    if is_address(place):
        return f"{place}: raw data, not a prepared data set; prepare it with: {_command(place, '')}"
    try:
        place.stat()
    except (FileNotFoundError, NotADirectoryError):
        return f"{place}: no such folder; {_advice_for_missing(place)}"
    except OSError as error:
        return f"{place}: cannot read: {error.strerror or error}"
    try:
        tree = read_tree(place)
    except (DataError, OSError):
        tree = None
    recognized = recognize(tree) if tree else None
    if recognized and recognized[0] not in _READ_AS_THEY_ARE:
        command = _command(place, recognized[0])
        return f"{place}: raw data, not a prepared data set; prepare it with: {command}"
    if not place.is_dir():
        return f"{place}: {_advice_for_file(place)}"
    if tree and not recognized:
        return _folder_problem(place, tree)
    return None


def _folder_problem(place: Path, tree: Tree) -> str | None:
    """Describe a folder that has no known layout; None if the reader of folders explains it."""
    if any(path.split("/")[-1] == _RUN_FILE and path.count("/") < 2 for path in tree.files):
        return f"{place}: a folder of training runs, not a data set; name the data set itself"
    images = tree.images()
    if not images and not tree.csv_files():
        return f"{place}: {why_unknown(tree)}; {_SEE_HELP}"
    if len({path.rpartition("/")[0] for path in images}) == 1:
        detect = f"to detect the emotions on them: emorec detect {quoted(str(place))}"
        return f"{place}: images without labels: {why_unknown(tree)}; {detect}"
    return None


_RUN_FILE = "config.yaml"

_SEE_HELP = "emorec prepare-data --help describes the raw data that can be prepared"


def _advice_for_file(place: Path) -> str:
    if is_readable_image_name(place.name) or is_video_file(str(place)):
        detect = f"emorec detect {quoted(str(place))}"
        return f"a single file, not the folder of a data set; to detect the faces in it: {detect}"
    return f"a file, not the folder of a prepared data set; {_SEE_HELP}"


def _advice_for_missing(place: Path) -> str:
    try:
        folders = [entry.name for entry in place.parent.iterdir() if entry.is_dir()]
    except OSError:
        folders = []
    if close := close_names(place.name, folders):
        return f"did you mean {str(place.parent / close[0])!r}?"
    return (
        "name a data set that emorec prepare-data has written, as in: emorec prepare-data FERPlus "
        "--out FER-2013"
    )


def _command(place: Path, layout: str) -> str:
    """Return the command that prepares raw data into a new folder in the current one."""
    path = local_path(place)
    stem = path.stem if path.is_file() else path.resolve().name.partition("@")[0]
    target = _PREPARED_NAMES.get(layout, "")
    if not target or os.path.lexists(target):
        target = f"{stem}-prepared"
    return f"emorec prepare-data {quoted(str(place))} --out {quoted(target)}"
