"""Prints the size on disk of emorec and its dependencies, for emorec alone and for some extras.

It adds up the files of the installed packages of this environment, so emorec[dev] must be
installed in it: python scripts/measure_installation.py
"""

from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXTRAS = ("", "app", "plots", "video", "tables", "train", "dev")
BLOCK = 512
"""Bytes of a block in st_blocks."""


def packages(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> None:
    """Add a package with the extras, and all that it requires, to `seen`."""
    key = (canonicalize_name(name), extras)
    if key in seen:
        return
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return
    seen.add(key)
    for text in found.requires or []:
        required = Requirement(text)
        marker = required.marker
        if marker is None or any(marker.evaluate({"extra": each}) for each in (*extras, "")):
            packages(required.name, frozenset(required.extras), seen)


def size(found: Distribution) -> int:
    """Return the size of the files of a package on disk, in bytes."""
    paths = [found.locate_file(file) for file in found.files or []]
    return sum(BLOCK * path.stat().st_blocks for path in paths if path.exists())  # type: ignore[attr-defined]


def main() -> None:
    """Print one line for each extra."""
    for extra in EXTRAS:
        seen: set[tuple[str, frozenset[str]]] = set()
        packages("emorec", frozenset({extra} - {""}), seen)
        names = {name for name, _ in seen}
        megabytes = sum(size(distribution(name)) for name in names) / 1e6
        title = f"emorec[{extra}]" if extra else "emorec"
        print(f"{title:14} {len(names):4} packages {megabytes:7,.0f} MB")


if __name__ == "__main__":
    main()
