"""The files of a raw data set by name, from a folder, a zip archive or a single file."""

import os
import stat
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from emorec.datasets.readers.image_files import FileImage, RawImage, ZippedImage
from emorec.errors import DataError
from emorec.images import IMAGE_SUFFIXES

MAX_FILES = 2_000_000

MAX_UNPACKED = 16 * 2**30
"""Most bytes that an archive may unpack to; CK+ and FER-2013 are below 1 GiB."""

_OTHER_ARCHIVES = (".7z", ".bz2", ".rar", ".tar", ".tar.gz", ".tgz", ".xz")

_LINK_OUT = "a link to a folder or out of the data set"
_UNPRINTABLE = "a name with characters that cannot be printed"


@dataclass(frozen=True)
class Tree:
    """Files by their path relative to a root, with forward slashes, in a fixed order.

    Attributes:
        place: What the user named.
        files: Every file that may be used.
        left_out: Why each other file is not used.
    """

    place: Path
    files: dict[str, RawImage]
    left_out: dict[str, str] = field(default_factory=dict)

    def below(self, folder: str) -> "Tree":
        """Give the part of the tree under a folder."""
        prefix = f"{folder}/"
        return Tree(
            self.place,
            {p.removeprefix(prefix): f for p, f in self.files.items() if p.startswith(prefix)},
            {p.removeprefix(prefix): w for p, w in self.left_out.items() if p.startswith(prefix)},
        )

    def images(self) -> list[str]:
        """Paths of the files with an image's suffix, hidden ones aside."""
        return [path for path in self.files if is_image(path)]

    def notes(self) -> list[str]:
        """Say in one line each what is not used and why."""
        reasons: dict[str, list[str]] = {}
        for path, reason in self.left_out.items():
            reasons.setdefault(reason, []).append(path)
        return [
            f"{reason} is not used: {len(paths):,} (such as {paths[0]!r:.80})"
            for reason, paths in sorted(reasons.items())
        ]


def is_image(path: str) -> bool:
    """Tell by its name whether a file is an image that a data set means to hold."""
    name = path.rpartition("/")[2]
    hidden = name.startswith(".") or path.startswith((".", "__MACOSX/")) or "/." in path
    return not hidden and name.lower().endswith(IMAGE_SUFFIXES)


def read_tree(place: Path) -> Tree:
    """List a folder or a zip archive; any other file is a tree of its own.

    Raises:
        DataError: It is missing, a device or a pipe, or an archive that is broken or unsafe.
    """
    if place.is_dir():
        return read_folder(place)
    if not place.exists():
        raise DataError(f"{place}: no such folder or file")
    if not place.is_file():
        raise DataError(f"{place}: not a folder and not a regular file")
    if place.suffix.lower() == ".zip":
        return _read_zip(place)
    if place.name.lower().endswith(_OTHER_ARCHIVES):
        raise DataError(f"{place}: only .zip archives are read; unpack it and name the folder")
    status = place.stat()
    return Tree(place, {place.name: FileImage(str(place), status.st_size, status.st_mtime_ns)})


def read_folder(root: Path, only: Iterable[str] | None = None) -> Tree:
    """List the files of a folder.

    A link is followed if it leads to a file inside of the folder. Other links, and names that
    cannot be printed, are left out.

    Args:
        root: The folder.
        only: Relative folders to list, without what is below them; None lists all.

    Raises:
        DataError: There are over `MAX_FILES` files.
    """
    files: dict[str, RawImage] = {}
    left_out: dict[str, str] = {}
    resolved = root.resolve()
    pending = [""] if only is None else [f"{folder}/" if folder else "" for folder in only]
    for prefix in pending:
        if prefix and not Path(os.path.realpath(root / prefix)).is_relative_to(resolved):
            left_out[prefix] = _LINK_OUT
            continue
        try:
            entries = list(os.scandir(f"{root}/{prefix}"))
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if only is None:
                    pending.append(f"{path}/")
            elif not entry.name.isprintable():
                left_out[path] = _UNPRINTABLE
            elif entry.is_symlink() and not _leads_inside(entry.path, resolved):
                left_out[path] = _LINK_OUT
            else:
                status = entry.stat()
                file = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
                files[path] = FileImage(file, status.st_size, status.st_mtime_ns)
        if len(files) > MAX_FILES:
            raise DataError(f"{root}: over {MAX_FILES:,} files; name the folder of the data set")
    return Tree(root, files, left_out)


def _leads_inside(link: str, root: Path) -> bool:
    target = Path(os.path.realpath(link))  # unlike resolve, it bears links that go in circles
    return target.is_relative_to(root) and target.is_file()


def _read_zip(place: Path) -> Tree:
    try:
        archive = zipfile.ZipFile(place)
        members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"{place}: cannot read the archive ({error})") from error
    unpacked = sum(member.file_size for member in members)
    if len(members) > MAX_FILES or unpacked > MAX_UNPACKED:
        raise DataError(
            f"{place}: would unpack to {len(members):,} files and {unpacked / 2**30:.1f} GiB; "
            f"archives up to {MAX_FILES:,} files and {MAX_UNPACKED // 2**30} GiB are read"
        )
    files: dict[str, RawImage] = {}
    left_out: dict[str, str] = {}
    for member in sorted(members, key=lambda member: member.filename):
        name = member.filename
        path = PurePosixPath(name)
        # zipfile cuts names at a NUL; the archive's own spelling tells.
        if (
            path.is_absolute()
            or ".." in path.parts
            or any(c in member.orig_filename for c in "\\:\0")
        ):
            raise DataError(f"{place}: unsafe name {name!r:.80} in the archive; nothing was read")
        if member.is_dir():
            continue
        if not name.isprintable():
            left_out[name] = _UNPRINTABLE
        elif stat.S_ISLNK(member.external_attr >> 16):
            left_out[name] = _LINK_OUT
        else:
            files[str(path)] = ZippedImage(archive, member, f"{place}/{name}")
    return Tree(place, files, left_out)
