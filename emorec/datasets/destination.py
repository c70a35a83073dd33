"""The folder of a prepared data set on disk: what may be replaced, and how it is replaced whole."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from emorec.errors import DataError

if sys.platform != "win32":
    import fcntl


def files_in(folder: Path) -> dict[str, int]:
    """Give the size of every file under a folder, by its path relative to it, with slashes.

    For a link it is the size of what it leads to, -1 where that is gone.
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
    """Check that replacing `dest` cannot touch the source, the current folder or a whole disk.

    Args:
        dest: Resolved path of the prepared data set.
        sources: Folders that are read.

    Raises:
        DataError: `dest` is, holds or lies in one of them, or is no folder.
    """
    for source in (folder.resolve() for folder in sources):
        if dest == source or source in dest.parents or dest in source.parents:
            raise DataError(
                f"{dest}: the prepared data set must lie outside of the source {source} and not "
                "hold it; choose another --out"
            )
    if dest.exists() and not dest.is_dir():
        raise DataError(f"{dest}: is a file; choose another --out")
    guarded = [Path.cwd()]
    with contextlib.suppress(RuntimeError):  # an account may have no home
        guarded.append(Path.home())
    for folder in guarded:
        if dest == folder or dest in folder.parents:
            raise DataError(f"{dest}: holds {folder}; choose a folder of its own as --out")
    if os.path.ismount(dest):
        raise DataError(f"{dest}: is a mount point; choose a folder inside it as --out")


@contextlib.contextmanager
def replacing(dest: Path) -> Iterator[Path]:
    """Give an empty folder beside `dest` that takes its place, whole, when the block succeeds.

    Whatever ends the block early leaves `dest` as it was. Where a kill left the folder behind, or
    struck between the two moves of the replacement, the next use clears it up.

    Raises:
        DataError: Another process is at it.
        OSError: The file system refuses.
    """
    missing = [parent for parent in dest.parents if not parent.exists()]
    dest.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _workspace(dest) as work:
            new = work / "new"
            new.mkdir()
            yield new
            # No portable call exchanges two folders; `_clear` mends an end in between.
            if dest.exists():
                dest.replace(work / "old")
            new.replace(dest)
    finally:
        for parent in missing:
            with contextlib.suppress(OSError):
                parent.rmdir()


def recover(dest: Path) -> None:
    """Clear up what a killed run left beside `dest`, if anything.

    Raises:
        DataError: Another process is at it.
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
    with _locked(work):
        _clear(work, dest)
        try:
            yield work
        finally:
            _clear(work, dest)
            work.rmdir()


def _clear(work: Path, dest: Path) -> None:
    """Empty the workspace; bring `dest` back if it was set aside and nothing took its place."""
    old = work / "old"
    if old.exists() and not dest.exists():
        old.replace(dest)
    for child in work.iterdir():
        shutil.rmtree(child)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder; it ends with the process, however that ends."""
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        busy = DataError(f"{folder}: another emorec prepare-data is writing there; wait for it")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise busy from None
        except OSError:
            pass  # some network file systems know no locks
        # The other process may have finished, and removed the folder, before the lock was had.
        if not folder.exists() or not os.path.samestat(os.fstat(descriptor), folder.stat()):
            raise busy
        yield
    finally:
        os.close(descriptor)
