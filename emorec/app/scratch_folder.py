"""The temporary folder of a running app, which later starts remove if the app was killed."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from emorec.errors import DataError
from emorec.locks import locked

PREFIX = "emorec-app-"
_LOCK = "in-use"
_NEW_S = 60.0
"""Age in seconds below which a folder without a lock may be one that is just being created."""


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Create a folder that only this user can read; it is removed after the block.

    Its name holds the number of the process. Folders that killed apps left behind are removed.

    Raises:
        DataError: The folder cannot be created.
    """
    remove_leftovers(Path(tempfile.gettempdir()))
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    except OSError as error:
        raise DataError(f"no temporary folder: {error.strerror or error}") from error
    try:
        with locked(folder / _LOCK, f"{folder}: in use"):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(parent: Path) -> None:
    """Remove the folders of apps that ended without removing them.

    A folder is in use as long as its lock is held, which the system releases when a process ends.
    """
    with suppress(OSError):
        for folder in parent.glob(f"{PREFIX}*"):
            with suppress(OSError, DataError):
                if folder.is_symlink() or not folder.is_dir() or not _is_own(folder):
                    continue
                lock = folder / _LOCK
                if not lock.exists() and time.time() - folder.stat().st_mtime < _NEW_S:
                    continue
                with locked(lock, "in use"):
                    shutil.rmtree(folder, ignore_errors=True)
                folder.rmdir()  # Windows keeps it as long as the lock is held


def _is_own(folder: Path) -> bool:
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
