"""Refuses outputs that would be written over an input or over another output."""

import os
from collections.abc import Iterable
from pathlib import Path

import click


def refuse_overwriting(outputs: Iterable[Path], inputs: Iterable[Path], advice: str) -> None:
    """Check, before any work, that each output is a file of its own.

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
