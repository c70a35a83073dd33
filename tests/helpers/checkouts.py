"""Small synthetic raw data sets, and the content of prepared ones."""

import zipfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from emorec.datasets.readers import ferplus
from emorec.datasets.readers.rows import RawRows, ReadOptions
from emorec.datasets.readers.tree import read_tree

HEADER = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
)
HAPPY = (1, 9, 0, 0, 0, 0, 0, 0, 0, 0)
SAD = (0, 0, 0, 10, 0, 0, 0, 0, 0, 0)
CONTEMPT = (2, 0, 0, 0, 0, 0, 0, 8, 0, 0)
UNKNOWN = (1, 0, 0, 0, 0, 0, 0, 0, 9, 0)
NOT_A_FACE = (0, 0, 0, 0, 0, 0, 0, 0, 0, 10)

FOLDERS = {"Training": "FER2013Train", "PublicTest": "FER2013Valid", "PrivateTest": "FER2013Test"}

Row = tuple[str, str, Sequence[int]]

ROWS: tuple[Row, ...] = (
    ("Training", "fer0000000.png", HAPPY),
    ("Training", "fer0000001.png", SAD),
    ("Training", "", HAPPY),
    ("Training", "fer0000003.png", CONTEMPT),
    ("PublicTest", "fer0000004.png", UNKNOWN),
    ("PublicTest", "fer0000005.png", HAPPY),
    ("PrivateTest", "fer0000006.png", NOT_A_FACE),
    ("PrivateTest", "fer0000007.png", SAD),
)


def csv_text(rows: Sequence[Row]) -> str:
    lines = [",".join([usage, name, *map(str, votes)]) for usage, name, votes in rows]
    return "\n".join([HEADER, *lines]) + "\n"


def noise_png(seed: int) -> bytes:
    """A PNG of 48x48 grey noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (48, 48), np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


def make_checkout(root: Path, rows: Sequence[Row] = ROWS, parent: str = "output") -> Path:
    """Write a FERPlus checkout with every image that its rows name."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "fer2013new.csv").write_text(csv_text(rows))
    for number, (usage, name, _) in enumerate(rows):
        if name:
            folder = root / parent / FOLDERS[usage]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(noise_png(number))
    return root


def tree(root: Path) -> dict[str, bytes]:
    """Content of every file under a folder, by relative path."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def ferplus_source(root: Path) -> RawRows:
    """Read a FERPlus checkout."""
    return ferplus.read(read_tree(root), ReadOptions())


def make_images(root: Path, counts: dict[str, int]) -> Path:
    """Write folders of images, named 000.png and so on, from the count of each folder."""
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (root / folder / f"{number:03}.png").write_bytes(noise_png(number))
    return root


def manifest_rows(root: Path) -> list[dict[str, str]]:
    header, *lines = (root / "manifest.csv").read_text("utf-8").splitlines()
    return [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]


def counts(root: Path) -> dict[str, dict[str, int]]:
    """Count the images of a prepared data set by split and label."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in manifest_rows(root):
        found[row["split"]][row["label"]] += 1
    return {split: dict(counter) for split, counter in found.items()}


def zipped(root: Path, archive: Path, method: int = zipfile.ZIP_STORED) -> Path:
    """Pack a folder into a zip archive."""
    with zipfile.ZipFile(archive, "w", method) as file:
        for path in sorted(root.rglob("*")):
            file.write(path, path.relative_to(root.parent))
    return archive
