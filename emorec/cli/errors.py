"""Errors on the command line: the message and the exit code of every exception."""

import os
import sys
from contextlib import suppress

import click

from emorec.cli.terminal_text import one_line
from emorec.errors import UNEXPECTED, DataError, EmorecError, MissingDependencyError
from emorec.interrupts import exit_code

_LIBRARY_MISSING = (
    "cannot open shared object file",  # glibc
    "Error loading shared library",  # musl
)


def report_error(error: BaseException, debug: bool = False) -> int:
    """Print an exception as one line on standard error.

    Args:
        error: What a command raised.
        debug: Print its traceback before.

    Returns:
        The exit code of the command.
    """
    if isinstance(error, KeyboardInterrupt):
        with suppress(OSError):  # after SIGHUP the terminal is gone
            click.echo("interrupted" + (f" by {error}" if str(error) else ""), err=True)
        return exit_code(error)
    known = user_error(error)
    if debug:
        sys.excepthook(type(error), error, error.__traceback__)
    if known is None:
        text = one_line(f"unexpected {type(error).__name__}: {error}")
        click.echo(f"error: {text}; with --debug, emorec shows where it comes from", err=True)
        return UNEXPECTED
    click.echo(f"error: {one_line(str(known))}", err=True)
    return known.exit_code


def interrupt_behind(error: BaseException) -> KeyboardInterrupt | None:
    """Return the interrupt that an exception is, or that it followed as output failed.

    After SIGHUP the terminal is gone: what is printed while the work ends raises OSError.
    """
    found: BaseException | None = error
    while isinstance(found, OSError):
        found = found.__context__
    return found if isinstance(found, KeyboardInterrupt) else None


def user_error(error: BaseException) -> EmorecError | None:
    """Convert an exception to an error that the user can act on.

    A missing package or system library becomes a `MissingDependencyError` that says what to
    install, and a path without the permission to use it a `DataError` that names it.

    Returns:
        The error; None for a bug.
    """
    if isinstance(error, EmorecError):
        return error
    if isinstance(error, PermissionError) and error.filename is not None:
        path = os.fsdecode(error.filename)
        return DataError(f"{path}: {error.strerror}; change its permissions, or name another path")
    if isinstance(error, ModuleNotFoundError):
        from emorec.installation import missing_package

        return missing_package(error)
    if isinstance(error, ImportError) and any(text in str(error) for text in _LIBRARY_MISSING):
        return _missing_system_library(error)
    return None


def _missing_system_library(error: ImportError) -> MissingDependencyError | None:
    """Explain an opencv-python that lacks the libraries of a desktop, as on servers."""
    from importlib.metadata import PackageNotFoundError, version
    from traceback import walk_tb

    from emorec.installation import pip_command
    from emorec.shell_words import quoted

    frames = walk_tb(error.__traceback__)
    if not any(frame.f_globals.get("__name__") == "cv2" for frame, _ in frames):
        return None

    try:
        pinned = f"=={version('opencv-python')}"
    except PackageNotFoundError:
        pinned = ""
    pip = pip_command()
    return MissingDependencyError(
        f"opencv-python lacks a system library ({error}); install the libraries: "
        "apt-get install libgl1 libglib2.0-0 libxcb1, or use the build that needs none: "
        f"{pip} uninstall -y opencv-python && {pip} install "
        f"{quoted(f'opencv-python-headless{pinned}')}"
    )
