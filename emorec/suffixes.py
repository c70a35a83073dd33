"""What the suffix of an output promises: a file, and its format."""

from collections.abc import Sequence
from pathlib import Path

_FORMATS = frozenset(
    [
        *(".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".xml", ".yaml", ".yml", ".html", ".htm"),
        *(".xls", ".xlsm", ".xlsx", ".ods", ".parquet", ".feather", ".db", ".sqlite", ".pdf"),
        *(".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".bmp", ".tif", ".tiff", ".avif"),
        *(".mp4", ".mov", ".mkv", ".avi", ".webm", ".zip", ".gz", ".onnx", ".keras", ".npz"),
    ]
)
"""Suffixes that promise a format; any other suffix, such as .txt, promises none."""


def promises_format(path: Path) -> bool:
    """Return whether the suffix of a path belongs to a format, so that a file is expected there."""
    return path.suffix.lower() in _FORMATS


def suffix_problem(target: Path, own: Sequence[str]) -> str | None:
    """Return why a file should not get a name, or None.

    Args:
        target: The file to write.
        own: Suffixes of its format, in lower case, the usual one first.
    """
    if target.suffix.lower() in own or not promises_format(target):
        return None
    return (
        f"{target}: the suffix {target.suffix} belongs to another format; name it "
        f"{target.with_suffix(own[0]).name}"
    )
