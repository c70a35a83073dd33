"""Standard streams that the caller has closed."""

import os
import sys

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


def require_stdout() -> None:
    """Check that standard output was open at the start.

    Raises:
        DataError: It was closed, so that what is printed would be lost.
    """
    if "stdout" in _missing:
        raise DataError("-: standard output is closed; name a file instead")
