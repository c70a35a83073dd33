"""Loads tables with Hugging Face datasets: Parquet and Arrow files of a folder, or by name.

No code of a data set runs: datasets 4 and later have no loading scripts.
"""

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emorec.datasets.dataset_address import DatasetAddress
from emorec.datasets.readers.rows import TRAIN
from emorec.datasets.readers.split_folders import SPLIT_NAMES
from emorec.datasets.readers.table import MAX_ROWS
from emorec.datasets.readers.tree import MAX_UNPACKED, Tree
from emorec.errors import DataError, MissingDependencyError
from emorec.file_kinds import is_hidden_path
from emorec.installation import install_command

if TYPE_CHECKING:
    from datasets import Dataset

_SUFFIXES = {".parquet": "parquet", ".arrow": "arrow"}
"""Format by the suffix of a file of a table."""

_OWN_FILES = ("README.md", "dataset_dict.json", "dataset_info.json", "state.json")
"""Other files that datasets writes."""

_UNSAFE = re.compile(r"[*?\[\]{}]|::|://")
"""What datasets takes for a pattern or an address in the name of a file."""

_FIRST_SAFE_VERSION = 4


def load(place: Path, address: DatasetAddress, tree: Tree | None) -> "dict[str, Dataset]":
    """Load the splits of a data set; their tables stay in files.

    Raises:
        DataError: It is missing, broken, too large or out of reach.
        MissingDependencyError: datasets is not installed, or of a version that runs code.
    """
    datasets = _import_datasets(place)
    with _quiet(datasets):
        try:
            if tree is not None:
                kind, files = _tables(tree)
                return dict(datasets.load_dataset(kind, data_files=files))
            _require_reachable(place, address)
            return dict(datasets.load_dataset(address.name, revision=address.revision))
        except DataError:
            raise
        except Exception as error:  # of datasets, pyarrow, huggingface_hub, httpx and others
            cause = error.__cause__ if type(error).__name__ == "DatasetGenerationError" else None
            reason = " ".join(str(cause or error).split()) or type(cause or error).__name__
            raise DataError(f"{place}: datasets cannot read it: {reason:.300}") from error


def _import_datasets(place: Path) -> Any:
    """Import the package datasets.

    Raises:
        MissingDependencyError: It is not installed, or of a version that runs code.
    """
    try:
        import datasets
    except ModuleNotFoundError:
        version = None
    else:  # a folder of this name is a module without a version
        version = getattr(datasets, "__version__", None)
    if version is None:
        raise MissingDependencyError(
            f"{place}: needs the package 'datasets'; install it with: {install_command('hf')}"
        )
    if int(version.split(".")[0]) < _FIRST_SAFE_VERSION:
        raise MissingDependencyError(
            f"{place}: datasets {version} may run code of data sets; update it with: "
            f"{install_command('hf', '--upgrade')}"
        )
    return datasets


def _require_reachable(place: Path, address: DatasetAddress) -> None:
    """Check that the hub answers: datasets itself tries for half a minute.

    Raises:
        DataError: It does not, or has no such data set, or not for this user.
    """
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError

    if constants.HF_HUB_OFFLINE:
        return
    try:
        HfApi().dataset_info(address.name, revision=address.revision, timeout=30)
    except GatedRepoError as error:
        raise DataError(
            f"{place}: accept the terms of https://huggingface.co/datasets/{address.name}, and log "
            "in with: hf auth login"
        ) from error
    except HfHubHTTPError as error:
        raise DataError(
            f"{place}: the Hugging Face hub has no such data set or revision, or it is private "
            "(log in with: hf auth login)"
        ) from error
    except Exception as error:  # of httpx: no network
        raise DataError(
            f"{place}: cannot reach the Hugging Face hub ({str(error)[:100]}); for a copy that was "
            "downloaded before, set HF_HUB_OFFLINE=1; a folder is hf:FOLDER"
        ) from error


@contextmanager
def _quiet(datasets: Any) -> Iterator[None]:
    """Hide the progress bars of datasets in files and pipes, and the warnings of the hub."""
    hides = not (sys.stderr and sys.stderr.isatty()) and datasets.is_progress_bar_enabled()
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR)
    if hides:
        datasets.disable_progress_bars()
    try:
        yield
    finally:
        logger.setLevel(level)
        if hides:
            datasets.enable_progress_bars()


def _tables(tree: Tree) -> tuple[str, dict[str, list[str]]]:
    """Return the format of the tables of a folder, and their paths by split.

    Raises:
        DataError: There are none, or of two formats, their names are unsafe, or they are too large.
    """
    paths = _table_paths(tree)
    kinds = sorted({_SUFFIXES[Path(path).suffix.lower()] for path in paths})
    if len(kinds) != 1:
        found = f"files of {' and '.join(kinds)}" if kinds else "none"
        raise DataError(
            f"{tree.place}: needs .parquet or .arrow files of a data set, of one format; found "
            f"{found}; folders of images are read without hf:"
        )
    files: dict[str, list[str]] = {}
    for path in paths:
        file = tree.files[path].path
        absolute = os.path.abspath(file or "")  # noqa: PTH100, which would follow links
        if file is None or _UNSAFE.search(absolute):
            raise DataError(f"{tree.place}: unsafe name of a table: {path!r:.100}; rename it")
        if kinds == ["parquet"]:
            _require_small(absolute)
        files.setdefault(split_of_table(path), []).append(absolute)
    return kinds[0], files


def _table_paths(tree: Tree) -> list[str]:
    """Return the paths of the tables, without those that datasets keeps of computations."""
    return [
        path
        for path in sorted(tree.files)
        if Path(path).suffix.lower() in _SUFFIXES
        and not is_hidden_path(path)
        and not Path(path).name.startswith("cache-")
    ]


def split_of_table(path: str) -> str:
    """Return the split in a name such as data/train-00000-of-00001.parquet, else train."""
    for part in reversed(Path(path).with_suffix("").parts):
        for word in re.split(r"[^a-z]+", part.lower()):
            if word in SPLIT_NAMES:
                return SPLIT_NAMES[word]
    return TRAIN


def _require_small(file: str) -> None:
    """Check the unpacked size that a Parquet file states.

    Raises:
        DataError: It is too large, or the file is broken.
    """
    import pyarrow.parquet

    try:
        facts = pyarrow.parquet.read_metadata(file)
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: not a Parquet file ({str(error)[:100]})") from error
    size = sum(facts.row_group(index).total_byte_size for index in range(facts.num_row_groups))
    if facts.num_rows > MAX_ROWS or size > MAX_UNPACKED:
        raise DataError(
            f"{file}: has {facts.num_rows:,} rows and {size / 2**30:.1f} GiB; the limit is "
            f"{MAX_ROWS:,} rows and {MAX_UNPACKED // 2**30} GiB"
        )


def left_out(tree: Tree) -> list[str]:
    """Return the visible files of a folder that are neither tables nor otherwise of datasets."""
    own = [path for path in tree.files if Path(path).name in _OWN_FILES]
    return tree.left_out([tree.files[path] for path in (*own, *_table_paths(tree))])
