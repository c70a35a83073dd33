"""Answers what a file is: an image, a video or something else, and whether it is hidden."""

import functools
import re
import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

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

_HIDDEN_PATH = re.compile(
    rf"(?:^|/)(?:\.|(?:{'|'.join(map(re.escape, sorted(_HIDDEN_NAMES)))})(?:/|$))", re.IGNORECASE
)


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
    return _HIDDEN_PATH.search(path) is not None


def is_readable_image_name(name: str) -> bool:
    """Return whether a file is an image by its name, and the packages that read it are installed.

    Only the names of `HEIF_SUFFIXES` need a package that the base install does not have.
    """
    lower = name.lower()
    return lower.endswith(IMAGE_SUFFIXES) or (lower.endswith(HEIF_SUFFIXES) and reads_heif())


@functools.cache
def reads_heif() -> bool:
    """Return whether the package of the extra `heic` is installed."""
    import importlib.util  # needed only where there is such a file

    return importlib.util.find_spec("pillow_heif") is not None


def count_kinds(names: Iterable[str]) -> dict[str, int]:
    """Count files by `kind_of_name`, the most frequent kind first."""
    counts = Counter(kind_of_name(name) for name in names)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def left_out_text(names: Sequence[str]) -> str:
    """Describe files that were not read, by kind.

    An image among them is named, because its kind does not say why it was left out.

    Args:
        names: Names or paths of the files.

    Returns:
        For example "left out: 3 .txt, 2 .heic (install the extra heic: pip install 'emorec[heic]'),
        1 .png (such as a.png)"; "" for no file.
    """
    parts = []
    for kind, count in count_kinds(names).items():
        hint = ""
        if is_heif_name(kind) and not reads_heif():
            from emorec.installation import install_command  # for this hint alone

            hint = f" (install the extra heic: {install_command('heic')})"
        elif is_image_name(kind):
            example = next(name for name in names if kind_of_name(name) == kind)
            hint = f" (such as {_shortened(example)})"
        parts.append(f"{count:,} {kind}{hint}")
    return f"left out: {', '.join(parts)}" if parts else ""


def _shortened(name: str) -> str:
    return name if len(name) <= 80 else f"{name[:38]}...{name[-38:]}"


def kind_of_name(name: str) -> str:
    """Return the suffix of a name or path in lower case, or "without a suffix"."""
    suffix = re.search(r"[^./\\](\.\w{1,12})$", name)
    return suffix[1].lower() if suffix else "without a suffix"


def is_video_file(path: str) -> bool:
    """Return whether a file is a video: by its content, or else by its name.

    Only a regular file is opened; a pipe, a device and a missing file are judged by their names.
    """
    head = _head(path)
    if image_format(head):
        return False
    return video_format(head) is not None or is_video_name(path)


def is_text_file(path: str) -> bool:
    """Return whether a file is a text by its name, and no image or video by its content."""
    if not path.lower().endswith(".txt"):
        return False
    head = _head(path)
    return bool(head) and image_format(head) is None and video_format(head) is None


def _head(path: str) -> bytes:
    """Return the first bytes of a regular file; none of everything else."""
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            return b""
        with Path(path).open("rb") as file:
            return file.read(HEAD_BYTES)
    except (OSError, ValueError):
        return b""


def video_format(head: bytes) -> str | None:
    """Return the container of a video by the first bytes of a file that is no image.

    Args:
        head: At least the first `HEAD_BYTES` bytes, or all of a shorter file.

    Returns:
        One of "mp4", "matroska", "avi", "flv", "asf", "ogg", "mpeg", "mpeg-ts"; None for
        everything else.
    """
    for magic, name in _VIDEO_MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[4:8] in _ATOMS:
        return "mp4"
    for first in (0, 4):  # .m2ts and .mts have a time stamp of 4 bytes before each packet
        packet = 188 + first
        if len(head) > first + packet and head[first] == head[first + packet] == 0x47:
            return "mpeg-ts"
    return None


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

HEAD_BYTES = 512
"""First bytes of a file from which its format is recognised."""

_VIDEO_MAGIC = (
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b"FLV\x01", "flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"OggS", "ogg"),
    (b"\0\0\x01\xba", "mpeg"),
    (b"\0\0\x01\xb3", "mpeg"),
)

_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide")
"""Types of the first box of an MP4 or QuickTime file."""

_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")

_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "avif"),
    **dict.fromkeys(_HEIF_BRANDS, "heif"),
}
