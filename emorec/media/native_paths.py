"""Paths for native libraries, which take valid UTF-8 only, for files with names of any bytes."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
    try:
        # On Linux the bytes are the name, whatever encoding Python assumes.
        name = os.fsencode(path).decode("utf-8") if sys.platform != "win32" else str(path)
        name.encode("utf-8")
    except UnicodeError:
        pass
    else:
        yield name
        return
    try:
        with TemporaryDirectory(prefix="emorec-") as folder:
            suffix = path.suffix if path.suffix.isascii() else ""
            link = Path(folder, f"link{suffix}")
            link.symlink_to(path.absolute())
            yield str(link)
    except OSError as error:
        raise DataError(
            f"{path}: OpenCV cannot use this name, and a link to it cannot be made "
            f"({error.strerror or error}); rename the file"
        ) from error
