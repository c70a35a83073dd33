"""The folder of a prepared data set: its checks, its lock and its atomic replacement."""

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from emorec.atomic_files import replace_path
from emorec.errors import DataError
from emorec.locks import locked

_NEW = "new"
_OLD = "old"
_LOCK = "lock"


def files_in(folder: Path) -> dict[str, int]:
    """Return the size of every file under a folder, by its relative path with forward slashes.

    The size of a link is that of its target, or -1 if the target is missing.
    """
    sizes: dict[str, int] = {}
    pending = [""]
    while pending:
        prefix = pending.pop()
        with os.scandir(folder / prefix) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(f"{prefix}{entry.name}/")
                else:
                    try:
                        sizes[prefix + entry.name] = entry.stat().st_size
                    except OSError:
                        sizes[prefix + entry.name] = -1
    return sizes


def require_apart(dest: Path, sources: Iterable[Path]) -> None:
    """Check that replacing `dest` cannot affect a source, the current folder or a mount point.

    Args:
        dest: Resolved path of the prepared data set.
        sources: Files and folders that are read.

    Raises:
        DataError: `dest` equals, contains or is inside one of them, or is not a folder.
    """
    for source in (folder.resolve() for folder in sources):
        if dest == source or source in dest.parents or dest in source.parents:
            raise DataError(
                f"{dest}: the prepared data set must be outside the source {source} and must not "
                "contain it; choose another --out"
            )
    if dest.exists() and not dest.is_dir():
        raise DataError(f"{dest}: is a file; choose another --out")
    guarded = [Path.cwd()]
    with contextlib.suppress(RuntimeError):  # an account may have no home folder
        guarded.append(Path.home())
    for folder in guarded:
        if dest == folder or dest in folder.parents:
            raise DataError(f"{dest}: contains {folder}; choose a separate folder as --out")
    if os.path.ismount(dest):
        raise DataError(f"{dest}: is a mount point; choose a folder inside it as --out")


@contextlib.contextmanager
def replacing(dest: Path) -> Iterator[Path]:
    """Yield an empty folder beside `dest` that replaces it atomically when the block succeeds.

    If the block fails, `dest` is unchanged. If a killed process left the folder on disk, or
    stopped between the two moves of the replacement, the next use cleans up.

    Raises:
        DataError: Another process is writing to `dest`.
        OSError: The file system fails.
    """
    missing = [parent for parent in dest.parents if not parent.exists()]
    dest.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _workspace(dest) as work:
            new = work / _NEW
            new.mkdir()
            yield new
            # No portable call exchanges two folders; `_clear` repairs a stop between the moves.
            if dest.exists():
                replace_path(dest, work / _OLD)
            replace_path(new, dest)
    finally:
        for parent in missing:
            with contextlib.suppress(OSError):
                parent.rmdir()


def recover(dest: Path) -> None:
    """Clean up after a killed run, if it left files beside `dest`.

    Raises:
        DataError: Another process is writing to `dest`.
    """
    if _workspace_path(dest).exists():
        with _workspace(dest):
            pass


def _workspace_path(dest: Path) -> Path:
    return dest.with_name(f".{dest.name}.emorec-partial")


@contextlib.contextmanager
def _workspace(dest: Path) -> Iterator[Path]:
    work = _workspace_path(dest)
    work.mkdir(exist_ok=True)
    try:
        with locked(work / _LOCK, f"{dest}: another emorec prepare-data is writing there"):
            _clear(work, dest)
            try:
                yield work
            finally:
                _clear(work, dest)
    finally:
        # Not empty where another process is writing.
        with contextlib.suppress(OSError):
            work.rmdir()


def _clear(work: Path, dest: Path) -> None:
    """Empty the workspace; restore `dest` if it was moved away and not replaced."""
    old = work / _OLD
    if old.exists() and not dest.exists():
        replace_path(old, dest)
    for name in (_OLD, _NEW):
        if (work / name).exists():
            shutil.rmtree(work / name)
