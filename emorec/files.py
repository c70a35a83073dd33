"""Writes files whole or not at all."""

import json
import os
from pathlib import Path
from typing import Any

from emorec.errors import DataError


def write_bytes(target: Path, data: bytes) -> None:
    """Write a file: a kill at any moment leaves the old file or the new one.

    Raises:
        DataError: The file cannot be written.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        try:
            partial.write_bytes(data)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{target}: cannot write: {error.strerror or error}") from error


def write_json(target: Path, value: Any) -> None:
    """Write a value as indented JSON, whole or not at all.

    Raises:
        DataError: The file cannot be written.
    """
    write_bytes(target, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())
