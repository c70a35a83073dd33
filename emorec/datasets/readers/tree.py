"""The files of a raw data set by name, from a folder, a zip archive or a single file."""

import os
import re
import stat
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from emorec.datasets.readers.image_files import FileImage, RawImage, ZippedImage
from emorec.errors import DataError
from emorec.images import IMAGE_SUFFIXES

MAX_FILES = 2_000_000
"""Largest number of files of a folder or an archive."""

MAX_UNPACKED = 16 * 2**30
"""Largest unpacked size of an archive in bytes; CK+ and FER-2013 are below 1 GiB."""

_OTHER_ARCHIVES = (".7z", ".bz2", ".rar", ".tar", ".tar.gz", ".tgz", ".xz")

CKPLUS_FOLDER = "CK+48"
"""Kaggle's archive of CK+ holds this folder twice: at the top and in ck/."""

_LINK_OUT = "a link to a folder or out of the data set"
_UNPRINTABLE = "a name with characters that cannot be printed"

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,250}")
"""Matches nearly all names; the full rule of `is_file_name` takes five times as long."""


@dataclass(frozen=True)
class Tree:
    """Files by their path relative to a root, with forward slashes, in a fixed order.

    Attributes:
        place: Path that the user named.
        files: Every file that may be used.
        skipped: Reason for each file that must not be used.
    """

    place: Path
    files: dict[str, RawImage]
    skipped: dict[str, str] = field(default_factory=dict)

    def subtree(self, folder: str) -> "Tree":
        """Return the part of the tree under a folder."""
        prefix = f"{folder}/"
        return Tree(
            self.place,
            {p.removeprefix(prefix): f for p, f in self.files.items() if p.startswith(prefix)},
            {p.removeprefix(prefix): r for p, r in self.skipped.items() if p.startswith(prefix)},
        )

    def wrapped(self) -> "Tree | None":
        """Return the content of the single folder that a download wraps around its data."""
        tops = {
            path.split("/")[0]
            for path in self.files
            if "/" in path and not path.startswith("__MAC")
        }
        tops = {top for top in tops if not top.startswith(".")}
        if CKPLUS_FOLDER in tops:
            return self.subtree(CKPLUS_FOLDER)
        return self.subtree(tops.pop()) if len(tops) == 1 else None

    def images(self) -> list[str]:
        """Return the paths of the files with an image suffix, except hidden ones."""
        return [path for path in self.files if is_image(path)]

    def csv_files(self) -> list[str]:
        """Return the paths of the CSV files at the top of the tree."""
        suffixes = (".csv", ".csv.gz")
        return [path for path in self.files if "/" not in path and path.lower().endswith(suffixes)]

    def notes(self) -> list[str]:
        """Describe the skipped files, one line for each reason."""
        by_reason: dict[str, list[str]] = {}
        for path, reason in self.skipped.items():
            by_reason.setdefault(reason, []).append(path)
        return [
            f"{reason} is not used: {len(paths):,} (such as {paths[0]!r:.80})"
            for reason, paths in sorted(by_reason.items())
        ]


def is_image(path: str) -> bool:
    """Return whether a file of a data set is an image, by its name; hidden files are not."""
    name = path.rpartition("/")[2]
    hidden = name.startswith(".") or path.startswith((".", "__MACOSX/")) or "/." in path
    return not hidden and name.lower().endswith(IMAGE_SUFFIXES)


def is_file_name(name: str) -> bool:
    """Return whether a name is a single, visible path component on every operating system."""
    return bool(_PLAIN_NAME.fullmatch(name)) or (
        name.isprintable()
        and not any(character in name for character in '/\\:*?"<>|')
        and not name.startswith(".")
        and 0 < len(name.encode()) <= 255
    )


def read_tree(place: Path) -> Tree:
    """List the files of a folder or a zip archive; another file becomes a tree of one file.

    Raises:
        DataError: The path is missing, a device or a pipe, or a broken or unsafe archive.
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
        raise DataError(
            f"{place}: unsupported archive, only .zip is read; unpack it and name the folder"
        )
    status = place.stat()
    return Tree(place, {place.name: FileImage(str(place), status.st_size, status.st_mtime_ns)})


def read_folder(root: Path, only: Iterable[str] | None = None) -> Tree:
    """List the files of a folder.

    A link is followed if it leads to a file inside the folder. Other links, and names that cannot
    be printed, are skipped.

    Args:
        root: The folder.
        only: Relative folders to list, without their subfolders; None lists all folders.

    Raises:
        DataError: The folder holds over `MAX_FILES` files.
    """
    files: dict[str, RawImage] = {}
    skipped: dict[str, str] = {}
    resolved = root.resolve()
    pending = [""] if only is None else [f"{folder}/" if folder else "" for folder in only]
    for prefix in pending:
        if prefix and not Path(os.path.realpath(root / prefix)).is_relative_to(resolved):
            skipped[prefix] = _LINK_OUT
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
                skipped[path] = _UNPRINTABLE
            elif entry.is_symlink() and not _leads_inside(entry.path, resolved):
                skipped[path] = _LINK_OUT
            else:
                status = entry.stat()
                file = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
                files[path] = FileImage(file, status.st_size, status.st_mtime_ns)
        if len(files) > MAX_FILES:
            raise DataError(f"{root}: over {MAX_FILES:,} files; name the folder of the data set")
    return Tree(root, files, skipped)


def _leads_inside(link: str, root: Path) -> bool:
    target = Path(os.path.realpath(link))  # unlike `resolve`, it accepts circular links
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
            f"{place}: would unpack to {len(members):,} files and {unpacked / 2**30:.1f} GiB; the "
            f"limit is {MAX_FILES:,} files and {MAX_UNPACKED // 2**30} GiB"
        )
    files: dict[str, RawImage] = {}
    skipped: dict[str, str] = {}
    for member in sorted(members, key=lambda member: member.filename):
        name = member.filename
        path = PurePosixPath(name)
        # zipfile cuts names at a NUL; only the original spelling shows it.
        if (
            path.is_absolute()
            or ".." in path.parts
            or any(c in member.orig_filename for c in "\\:\0")
        ):
            raise DataError(f"{place}: unsafe name {name!r:.80} in the archive; nothing was read")
        if member.is_dir():
            continue
        if not name.isprintable():
            skipped[name] = _UNPRINTABLE
        elif stat.S_ISLNK(member.external_attr >> 16):
            skipped[name] = _LINK_OUT
        else:
            files[str(path)] = ZippedImage(archive, member, f"{place}/{name}")
    return Tree(place, files, skipped)
