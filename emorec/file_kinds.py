"""Answers what a file is: an image, a video or something else, and whether it is hidden."""

import re
from collections import Counter
from collections.abc import Iterable

IMAGE_SUFFIXES = (
    *(".apng", ".avif", ".bmp", ".dib", ".gif", ".hdr", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg"),
    *(".mpo", ".pbm", ".pfm", ".pgm", ".pic", ".png", ".pnm", ".ppm", ".pxm", ".ras", ".sr"),
    *(".tif", ".tiff", ".webp"),
)
"""Names of files that OpenCV reads as images; upper case counts the same."""

HEIF_SUFFIXES = (".heic", ".heif")
"""Names of images that need the extra `heic`."""

VIDEO_SUFFIXES = (
    *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts"),
    *(".ogv", ".ts", ".webm", ".wmv"),
)
"""Names of files that are opened as videos; upper case counts the same."""

_HIDDEN_NAMES = frozenset(("__macosx", "desktop.ini", "ehthumbs.db", "thumbs.db"))
"""Files and folders that systems and programs leave in folders of images, in lower case."""


def is_image_name(name: str) -> bool:
    """Return whether a file is an image by its name; the path in front of it does not matter."""
    return name.lower().endswith(IMAGE_SUFFIXES + HEIF_SUFFIXES)


def is_heif_name(name: str) -> bool:
    """Return whether a file is a HEIF image by its name."""
    return name.lower().endswith(HEIF_SUFFIXES)


def is_video_name(name: str) -> bool:
    """Return whether a file is a video by its name."""
    return name.lower().endswith(VIDEO_SUFFIXES)


def is_hidden(name: str) -> bool:
    """Return whether a file or folder of this name is passed over: no path, one name.

    Hidden are names that begin with a dot (`.DS_Store`, `._photo.jpg`, `.ipynb_checkpoints`), and
    what Windows, macOS and archive programs add (`Thumbs.db`, `desktop.ini`, `__MACOSX`).
    """
    return name.startswith(".") or name.lower() in _HIDDEN_NAMES


def is_hidden_path(path: str) -> bool:
    """Return whether a relative path with forward slashes has a hidden part."""
    return any(is_hidden(part) for part in path.split("/"))


def left_out_text(names: Iterable[str]) -> str:
    """Describe files that were not read by kind, e.g. "2 .heic, 3 .txt, 1 without a suffix".

    Args:
        names: Names or paths of the files.

    Returns:
        Kinds in the order of their counts; "" for no file.
    """
    counts = Counter(kind_of_name(name) for name in names)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {kind}" for kind, count in ordered)


def kind_of_name(name: str) -> str:
    """Return the suffix of a name in lower case, or "without a suffix"."""
    suffix = re.search(r"[^./\\](\.\w{1,12})$", name)
    return suffix[1].lower() if suffix else "without a suffix"


def image_format(head: bytes) -> str | None:
    """Return the format of an image by its first bytes.

    Args:
        head: At least the first 32 bytes of the file.

    Returns:
        One of "jpeg", "png", "gif", "webp", "bmp", "tiff", "avif", "heif", "jp2", "hdr", "pnm",
        "pfm", "ras"; None for everything else.
    """
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12])
    if head[:1] == b"P" and head[1:2] in b"1234567" and head[2:3].isspace():
        return "pnm"
    if head[:2] in (b"PF", b"Pf") and head[2:3].isspace():
        return "pfm"
    return None


_MAGIC = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF8", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"#?RADIANCE", "hdr"),
    (b"#?RGBE", "hdr"),
    (b"\x59\xa6\x6a\x95", "ras"),
)

_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "avif"),
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"), "heif"),
}
