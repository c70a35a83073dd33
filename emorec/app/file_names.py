"""File names that clients send: shown in results, never used as paths."""

import unicodedata
from pathlib import PurePosixPath

_LONGEST = 100
_CONTROL = ("Cc", "Cf", "Cs", "Zl", "Zp")


def clean_name(name: str | None, fallback: str) -> str:
    """Return the base name of a file without control characters.

    Args:
        name: What the client calls the file; may be a path of Windows or POSIX, or hostile.
        fallback: The result where nothing is left of the name.
    """
    base = (name or "").replace("\\", "/").rpartition("/")[2]
    printable = "".join(c for c in base if unicodedata.category(c) not in _CONTROL)
    kept = printable.strip().lstrip(".").strip()
    if len(kept) > _LONGEST:
        suffix = PurePosixPath(kept).suffix[:10]
        kept = kept[: _LONGEST - len(suffix)] + suffix
    return kept or fallback


def stem_of(name: str) -> str:
    """Return a cleaned name without its suffix, as the begin of the names of outputs."""
    return PurePosixPath(name).stem or name
