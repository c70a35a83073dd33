"""Paths for native libraries, which take valid UTF-8 only, for files with names of any bytes."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from emorec.errors import DataError


@contextmanager
def native_path(path: Path) -> Iterator[str]:
    """Yield a path of the same file that OpenCV accepts; the file need not exist.

    OpenCV converts a path to UTF-8 and crashes if that fails: on bytes of another encoding in the
    name, and with the locale C on every name that is not ASCII.

    Raises:
        DataError: There is no such path on this system.
    """
    name = _utf_8(path)
    if name is not None:
        yield name
        return
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(TemporaryDirectory(prefix="emorec-"))
            link = Path(folder, f"link{path.suffix if path.suffix.isascii() else ''}")
            link.symlink_to(path.absolute())
        except OSError as error:
            raise _unusable(path, error.strerror or str(error)) from error
        name = _utf_8(link)
        if name is None:
            raise _unusable(path, "the folder for temporary files has such a name too")
        yield name


def _unusable(path: Path, reason: str) -> DataError:
    return DataError(
        f"{path}: OpenCV cannot use this name, and a link to it cannot be made ({reason}); "
        "rename the file"
    )


def _utf_8(path: Path) -> str | None:
    """Return a path whose UTF-8 bytes are those of its name; None if there is none."""
    try:
        # On Linux the bytes are the name, whatever encoding Python assumes.
        name = os.fsencode(path).decode("utf-8") if sys.platform != "win32" else str(path)
        name.encode("utf-8")
    except UnicodeError:
        return None
    return name
