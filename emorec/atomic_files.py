"""Atomic writing of files, through temporary files beside them.

The name of a temporary file holds the process and the host that wrote it, so that a later process
can remove what a killed one left behind.
"""

import errno
import json
import os
import re
import stat
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from emorec.errors import DataError

PARTIAL = ".partial-"
"""Prefix of the names of files that are being written."""

STALE_S = 86400.0
"""Age in seconds from which the temporary file of an ended process is removed."""

_BUSY_S = 2.0
"""Time in seconds for which Windows may refuse to replace a file that another program reads."""

_LONGEST_SUFFIX = 20
"""Bytes of a suffix that a temporary name keeps; names have at most 255 bytes."""

_NAME = re.compile(rf"{re.escape(PARTIAL)}(\d{{1,9}})-([0-9a-f]{{8}})-[0-9a-f]{{16}}(\..*)?")

_partials: set[Path] = set()
"""Temporary files of this process."""

_open_to_new = threading.Lock()
"""Held while a temporary file is added to `_partials`, and forever from `finish_partials` on."""

_swept: set[Path] = set()
"""Folders in which this process has looked for stale files."""


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """Yield a temporary path, whose content becomes that of the target after the block.

    The temporary path has the suffix of the target. A kill at any moment leaves the old file or the
    new one, and an error in the block leaves the old one. The target of a link is replaced, not the
    link. A device or a FIFO is written to after the block.

    Raises:
        DataError: The file cannot be written.
    """
    try:
        replaced = _file_to_replace(target)
        with temporary_file(replaced or _temporary_folder() / target.name) as partial:
            yield partial
            if replaced is None:
                _copy(partial, target)
            else:
                replace_path(partial, replaced)
    except OSError as error:
        raise DataError(f"{target}: cannot write: {error.strerror or error}") from error


def replace_path(source: Path, target: Path) -> None:
    """Move a file or folder to a path, and replace a file that has this path.

    Windows refuses while another program, such as a virus scanner, has the file or one in the
    folder open; the move is repeated for up to two seconds.

    Raises:
        OSError: It cannot be moved.
    """
    deadline = time.monotonic() + _BUSY_S
    while True:
        try:
            source.replace(target)
            return
        except PermissionError:
            if sys.platform != "win32" or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class _NotPublishedError(Exception):
    """Makes `written_whole` discard the file."""


def discard(stack: ExitStack) -> None:
    """Close a stack so that the files of `written_whole` in it do not appear."""
    stack.__exit__(_NotPublishedError, _NotPublishedError(), None)


@contextmanager
def temporary_file(target: Path) -> Iterator[Path]:
    """Create an empty file beside a target, with its suffix; it is removed after the block.

    Its name cannot be predicted, and it is a new file with the permissions of a plain `open`.

    Raises:
        OSError: The file cannot be created.
    """
    _remove_stale(target.parent)
    suffix = target.suffix if len(os.fsencode(target.suffix)) <= _LONGEST_SUFFIX else ""
    name = f"{PARTIAL}{os.getpid()}-{_host()}-{os.urandom(8).hex()}{suffix}"
    partial = target.with_name(name)
    with _open_to_new:
        _partials.add(partial)
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        yield partial
    finally:
        partial.unlink(missing_ok=True)
        _partials.discard(partial)


def finish_partials(seconds: float) -> None:
    """Wait until no file is being written; call it before a process ends at once.

    Other threads cannot begin to write a file from then on: they wait for the end of the process.

    Args:
        seconds: Longest wait; files that are still being written then are removed.
    """
    _open_to_new.acquire()
    deadline = time.monotonic() + seconds
    while _partials and time.monotonic() < deadline:
        time.sleep(0.005)
    for partial in tuple(_partials):
        with suppress(OSError):
            partial.unlink()


def is_partial(name: str) -> bool:
    """Return whether the name of a file is a temporary one: it is being written, or was at a kill.

    It has the suffix of the target, so `Path.glob("*.json")` finds it too.
    """
    return name.startswith(PARTIAL)


def write_bytes(target: Path, data: bytes) -> None:
    """Write a file atomically.

    Raises:
        DataError: The file cannot be written.
    """
    with written_whole(target) as partial:
        partial.write_bytes(data)


def write_json(target: Path, value: Any) -> None:
    """Write a value as indented JSON, atomically.

    Raises:
        DataError: The file cannot be written.
    """
    write_bytes(target, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def _file_to_replace(target: Path) -> Path | None:
    """Return the regular file that a target names; None if it must be written to instead.

    Raises:
        OSError: The target cannot be examined, such as a link to itself.
    """
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return Path(os.path.realpath(target))
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        return None
    if not target.is_symlink():
        return target
    # Links there, such as /dev/stdout, are open files: who opened them does not see a replacement.
    is_open_file = Path(os.path.abspath(target)).parts[1:2] in (("dev",), ("proc",))  # noqa: PTH100
    return None if is_open_file else Path(os.path.realpath(target))


def _temporary_folder() -> Path:
    from tempfile import gettempdir  # most runs write no device

    return Path(gettempdir())


def _copy(source: Path, target: Path) -> None:
    from shutil import copyfileobj

    with source.open("rb") as reader, target.open("ab") as writer:
        copyfileobj(reader, writer)


def _remove_stale(folder: Path) -> None:
    """Remove temporary files that killed processes of this host left in a folder long ago."""
    if folder in _swept:
        return
    _swept.add(folder)
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _NAME.fullmatch(entry.name)
            if found is None or found[2] != _host() or _is_running(int(found[1])):
                continue
            if time.time() - entry.stat(follow_symlinks=False).st_mtime > STALE_S:
                Path(entry.path).unlink(missing_ok=True)


def _host() -> str:
    """Return eight hexadecimal digits that stand for this host."""
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    return f"{zlib.crc32(os.fsencode(name)):08x}"


def _is_running(process: int) -> bool:
    if os.name != "posix":
        return False  # `os.kill` would end it; a file that is open cannot be removed there
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
