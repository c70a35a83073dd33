"""Reads JSON files of limited size."""

import json
from pathlib import Path
from typing import Any

from emorec.errors import DataError

MAX_JSON_BYTES = 2**24


def read_json(path: Path, most_bytes: int | None = None) -> dict[str, Any]:
    """Read a JSON object from a file.

    Args:
        path: The file.
        most_bytes: Largest size of the file; None for `MAX_JSON_BYTES`.

    Raises:
        DataError: The file is missing, too large, or no JSON object.
    """
    most_bytes = most_bytes or MAX_JSON_BYTES
    try:
        if path.stat().st_size > most_bytes:
            raise DataError(f"{path}: too large: a JSON file has at most {most_bytes} bytes")
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not a JSON file: {error!s:.200}") from error
    if not isinstance(value, dict):
        raise DataError(f"{path}: not a JSON object")
    return value
