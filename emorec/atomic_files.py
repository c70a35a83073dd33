"""Atomic writing of files."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emorec.errors import DataError

PARTIAL = ".partial-"
"""Prefix of the names of files that are being written."""


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside the target, which replaces the target after the block.

    The temporary path has the suffix of the target. A kill at any moment leaves the old file or the
    new one, and an error in the block leaves the old one.

    Raises:
        DataError: The file cannot be written.
    """
    partial = target.with_name(f"{PARTIAL}{os.getpid()}-{target.name}")
    try:
        try:
            yield partial
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{target}: cannot write: {error.strerror or error}") from error


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
