"""Checks, before any work, that outputs are files of their own that can be written."""

import os
from collections.abc import Iterable
from pathlib import Path

import click


def refuse_no_file(option: str, target: Path) -> None:
    """Check that an option names a file in a folder that exists.

    Raises:
        click.UsageError: It does not.
    """
    if target.is_dir() or not target.parent.is_dir():
        raise click.UsageError(f"{option}: {target} cannot be a file; is its folder there?")


def refuse_overwriting(outputs: Iterable[Path], inputs: Iterable[Path], advice: str) -> None:
    """Check that no output is an input or another output.

    Raises:
        click.UsageError: One is not; the message ends with the advice.
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
    """Give what tells whether two paths mean one file: the place and, if it exists, the inode."""
    found: set[object] = {os.path.realpath(path)}
    try:
        status = path.stat()
    except (OSError, ValueError):
        return found
    return found | {(status.st_dev, status.st_ino)}
