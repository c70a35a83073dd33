"""Checks of output paths before any work begins: writable, and no two of them the same file."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from emorec.suffixes import suffix_problem


def require_file_path(option: str, target: Path) -> None:
    """Check that an option names a file in an existing folder.

    Raises:
        click.UsageError: The path is a folder, or its folder does not exist.
    """
    if target.is_dir() or not target.parent.is_dir():
        raise click.UsageError(
            f"{option}: {target} cannot be a file; name a file in an existing folder"
        )


def require_suffix(option: str, target: Path, own: Sequence[str]) -> None:
    """Check that the suffix of an output does not belong to another format.

    Args:
        option: The option, for messages.
        target: The file to write.
        own: Suffixes of its format, the usual one first.

    Raises:
        click.UsageError: It does.
    """
    if problem := suffix_problem(target, own):
        raise click.UsageError(f"{option}: {problem}")


def refuse_overwriting(outputs: Iterable[Path], inputs: Iterable[Path], advice: str) -> None:
    """Check that no output is an input or another output.

    Inputs may be many: only the outputs are held in memory.

    Raises:
        click.UsageError: An output is an input or another output; the message ends with `advice`.
    """
    known: dict[object, Path] = {}
    for output in outputs:
        identity = _identity(output)
        if identity in known:
            raise _overwriting(output, known[identity], advice)
        known[identity] = output
    for path in inputs:
        if (output_of := known.get(_identity(path))) is not None:
            raise _overwriting(output_of, path, advice)


def _overwriting(output: Path, path: Path, advice: str) -> click.UsageError:
    return click.UsageError(f"the output {output} would be written over {path}; {advice}")


def _identity(path: Path) -> object:
    """Return a key that all paths of one file share: its inode, or its real path if it is new."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return os.path.realpath(path)
    return status.st_dev, status.st_ino
