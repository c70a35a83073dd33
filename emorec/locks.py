"""Locks between processes, which name the process that holds them."""

import errno
import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from emorec.errors import DataError

_log = logging.getLogger(__name__)

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def locked(file: Path, busy: str) -> Iterator[None]:
    """Hold a lock file; the system releases the lock when the process ends, however it ends.

    A file beside it names this process. Both files are removed after the block.

    Args:
        file: The lock file, in an existing folder.
        busy: Begin of the message where another process holds the lock, e.g. "runs/a: another
            emorec train uses this run".

    Raises:
        DataError: Another process holds the lock, and the message says which one; or the file
            cannot be created.
    """
    owner = file.with_name(f"{file.name}-owner")
    lock = FileLock(file, timeout=0)
    try:
        _acquire(lock, file, busy, owner)
        try:
            description = {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "since": datetime.now().astimezone().isoformat(timespec="seconds"),
            }
            owner.write_text(json.dumps(description), encoding="utf-8")
        except BaseException:
            _release(lock, file, owner)
            raise
    except OSError as error:
        raise DataError(f"{file}: cannot lock: {error.strerror or error}") from error
    try:
        yield
    finally:
        _release(lock, file, owner)


def _acquire(lock: FileLock, file: Path, busy: str, owner: Path) -> None:
    file.touch()
    before = file.stat()
    try:
        lock.acquire()
    except Timeout:
        raise DataError(f"{busy} ({_owner(owner)}); wait until it ends") from None
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        _log.warning("%s: this file system has no locks; use it from one process only", file.parent)
    if not file.exists() or not os.path.samestat(before, file.stat()):
        # Another process held the lock a moment ago and removed its file.
        lock.release()
        raise DataError(f"{busy}; try again")


def _release(lock: FileLock, file: Path, owner: Path) -> None:
    """Remove the files and release the lock."""
    with suppress(OSError):
        owner.unlink()
    if os.name == "posix":
        # Before the release, or it could be the file of the next process.
        with suppress(OSError):
            file.unlink()
    lock.release()
    if os.name != "posix":
        with suppress(OSError):  # Windows refuses while another process has the file open
            file.unlink()


def _owner(file: Path) -> str:
    """Describe the process that holds a lock."""
    try:
        found = json.loads(file.read_text("utf-8"))
        return f"process {found['pid']} on {found['host']}, since {found['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "process unknown"  # it has just begun or is about to end
