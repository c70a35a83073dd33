"""Standard streams: those that the caller has closed, and their encodings."""

import os
import sys
from io import TextIOWrapper

from emorec.errors import DataError

_missing: set[str] = set()


def replace_missing_streams() -> None:
    """Open the null device for each standard stream that is closed.

    Otherwise Python sets `sys.stdout` to None, and the next file that is opened receives the free
    descriptor, into which native libraries then write their messages.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        _missing.add(name)
        # Workers and other child processes inherit it.
        mode = "r" if name == "stdin" else "w"
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor != number:
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.set_inheritable(number, True)
        setattr(sys, name, open(number, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def escape_unencodable() -> None:
    r"""Print characters that the encoding of standard output lacks as escapes, such as \u65e5.

    On Windows that encoding is cp1252 or similar where the output is not a console. Standard error
    escapes them in any case.
    """
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def write_utf_8() -> None:
    """Write what is printed from now on as into files: in UTF-8, with unchanged line ends."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors=sys.stdout.errors, newline="")


def require_stdout() -> None:
    """Check that standard output was open at the start.

    Raises:
        DataError: It was closed, so that what is printed would be lost.
    """
    if "stdout" in _missing:
        raise DataError("-: standard output is closed; name a file instead")
