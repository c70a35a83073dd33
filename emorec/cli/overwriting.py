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

    Raises:
        click.UsageError: An output is an input or another output; the message ends with `advice`.
    """
    known = {identity: path for path in inputs for identity in _identities(path)}
    for output in outputs:
        for identity in _identities(output):
            if identity in known:
                raise click.UsageError(
                    f"the output {output} would be written over {known[identity]}; {advice}"
                )
            known[identity] = output


def _identities(path: Path) -> set[object]:
    """Return keys of which two paths of one file share one: real path and, if it exists, inode."""
    found: set[object] = {os.path.realpath(path)}
    try:
        status = path.stat()
    except (OSError, ValueError):
        return found
    return found | {(status.st_dev, status.st_ino)}
