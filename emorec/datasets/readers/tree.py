"""The files of a raw data set by name, from a folder, a zip archive or a single file."""

import functools
import os
import re
import stat
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from emorec.datasets.readers.image_files import FileImage, RawImage, ZippedImage
from emorec.errors import DataError
from emorec.file_kinds import is_hidden_path, is_readable_image_name

MAX_FILES = 2_000_000
"""Largest number of files of a folder or an archive."""

MAX_UNPACKED = 16 * 2**30
"""Largest unpacked size of an archive in bytes; CK+ and FER-2013 are below 1 GiB."""

_OTHER_ARCHIVES = (".7z", ".bz2", ".rar", ".tar", ".tar.gz", ".tgz", ".xz")

CKPLUS_FOLDER = "CK+48"
"""Kaggle's archive of CK+ holds this folder twice: at the top and in ck/."""

_LINK_OUT = "a link to a folder or out of the data set"
_LINK_UP = "a link to a folder above it"
_LINK_BROKEN = "a link that leads to no file"
_DEVICE_NAME = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE | re.DOTALL
)

_UNPRINTABLE = "a name with characters that cannot be printed"

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]([A-Za-z0-9_.-]{0,249}[A-Za-z0-9_-])?")
"""Matches nearly all names; the full rule of `is_file_name` takes five times as long."""


@dataclass(frozen=True)
class Tree:
    """Files by their path relative to a root, with forward slashes, in a fixed order.

    Attributes:
        place: Path that the user named.
        files: Every file that may be used.
        skipped: Reason for each file that must not be used.
        folders: Paths of the folders, except hidden ones.
        root: Path of the tree inside `place`; "" for the whole.
    """

    place: Path
    files: dict[str, RawImage]
    skipped: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    root: str = ""

    def locate(self, path: str) -> Path:
        """Return the path to name for a file or folder of the tree."""
        return self.place / self.root / path

    def subtree(self, folder: str) -> "Tree":
        """Return the part of the tree under a folder."""
        prefix = f"{folder}/"
        return Tree(
            self.place,
            {p.removeprefix(prefix): f for p, f in self.files.items() if p.startswith(prefix)},
            {p.removeprefix(prefix): r for p, r in self.skipped.items() if p.startswith(prefix)},
            [p.removeprefix(prefix) for p in self.folders if p.startswith(prefix)],
            f"{self.root}{prefix}",
        )

    def wrapped(self) -> "Tree | None":
        """Return the content of the single folder that holds all images and tables."""
        tops = {
            path.split("/")[0]
            for path in self.files
            if "/" in path and (is_image(path) or is_csv(path))
        }
        if CKPLUS_FOLDER in tops:
            return self.subtree(CKPLUS_FOLDER)
        return self.subtree(tops.pop()) if len(tops) == 1 else None

    @functools.cached_property
    def _images(self) -> list[str]:
        return [path for path in self.files if is_image(path)]

    def images(self) -> list[str]:
        """Return the paths of the files with an image suffix, except hidden ones."""
        return self._images

    def csv_files(self) -> list[str]:
        """Return the paths of the CSV files at the top of the tree."""
        return [path for path in self.files if "/" not in path and is_csv(path)]

    def has_files(self, folder: str) -> bool:
        """Return whether a folder holds a file, at any depth."""
        return any(path.startswith(f"{folder}/") for path in self.files)

    def left_out(self, used: Iterable[RawImage | None]) -> list[str]:
        """Return the paths of the visible files that are not among those used."""
        taken = {id(file) for file in used}
        files = self.files.items()
        return [p for p, file in files if id(file) not in taken and not is_hidden_path(p)]

    def notes(self) -> list[str]:
        """Describe the skipped files, one line for each reason."""
        by_reason: dict[str, list[str]] = {}
        for path, reason in self.skipped.items():
            if is_hidden_path(path):
                continue
            by_reason.setdefault(reason, []).append(path)
        return [
            f"{reason} is not used: {len(paths):,} (such as {paths[0]!r:.80})"
            for reason, paths in sorted(by_reason.items())
        ]


def is_image(path: str) -> bool:
    """Return whether a file of a data set is an image, by its name; hidden files are not."""
    return is_readable_image_name(path) and not is_hidden_path(path)


def is_csv(path: str) -> bool:
    """Return whether a file of a data set is a CSV file, by its name; hidden files are not."""
    return path.lower().endswith((".csv", ".csv.gz")) and not is_hidden_path(path)


def is_device_name(name: str) -> bool:
    """Return whether Windows reserves a name for a device, such as nul.png."""
    return _DEVICE_NAME.fullmatch(name) is not None


def is_file_name(name: str) -> bool:
    """Return whether a name is a single, visible path component on every operating system."""
    if is_device_name(name):
        return False
    return bool(_PLAIN_NAME.fullmatch(name)) or (
        name.isprintable()
        and not any(character in name for character in '/\\:*?"<>|')
        and not name.startswith(".")
        and not name.endswith((".", " "))
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


def read_folder(
    root: Path, only: Iterable[str] | None = None, *, follow_links: bool = False
) -> Tree:
    """List the files of a folder.

    A link is followed if it leads to a file inside the folder. Other links, and names that cannot
    be printed, are skipped.

    Args:
        root: The folder.
        only: Relative folders to list, without their subfolders; None lists all folders.
        follow_links: Follow links to files and folders anywhere, except to a folder above.

    Raises:
        DataError: The folder holds over `MAX_FILES` files, or cannot be read.
    """
    tree = Tree(root, {})
    resolved = os.path.realpath(root)
    folders = [""] if only is None else [f"{folder}/" if folder else "" for folder in only]
    pending = [_Folder(prefix, os.path.realpath(root / prefix)) for prefix in folders]
    for folder in pending:
        if not follow_links and not _is_inside(folder.real, resolved):
            tree.skipped[folder.prefix] = _LINK_OUT
            continue
        try:
            entries = list(os.scandir(f"{root}/{folder.prefix}"))
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = folder.prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if only is None:
                    pending.append(folder.child(entry.name))
            elif not entry.name.isprintable():
                tree.skipped[path] = _UNPRINTABLE
            elif not entry.is_symlink():
                status = entry.stat()
                tree.files[path] = FileImage(entry.path, status.st_size, status.st_mtime_ns)
            elif follow_links and only is None and Path(entry.path).is_dir():
                if linked := folder.link(entry.name, os.path.realpath(entry.path)):
                    pending.append(linked)
                else:
                    tree.skipped[path] = _LINK_UP
            else:
                _add_link(tree, path, entry, None if follow_links else resolved)
        if len(tree.files) > MAX_FILES:
            raise DataError(f"{root}: over {MAX_FILES:,} files; name the folder of the data set")
    names = (folder.prefix[:-1] for folder in pending[1:]) if only is None else ()
    tree.folders.extend(name for name in names if not is_hidden_path(name))
    return tree


class _Folder(NamedTuple):
    """A folder to list.

    Attributes:
        prefix: Its path relative to the root, with a slash at its end; "" is the root.
        real: Its path without links.
        above: Real paths of the folders whose links lead to it.
    """

    prefix: str
    real: str
    above: tuple[str, ...] = ()

    def child(self, name: str) -> "_Folder":
        """Return a folder in this folder."""
        return _Folder(f"{self.prefix}{name}/", f"{self.real}{os.sep}{name}", self.above)

    def link(self, name: str, target: str) -> "_Folder | None":
        """Return the folder of a link in this folder; None if it leads to a folder above."""
        above = (*self.above, self.real)
        if any(_is_inside(folder, target) for folder in above):
            return None
        return _Folder(f"{self.prefix}{name}/", target, above)


def _add_link(tree: Tree, path: str, entry: "os.DirEntry[str]", inside: str | None) -> None:
    """Add a link to a file to a tree, if it leads to a file inside a folder; None allows all."""
    target = os.path.realpath(entry.path)  # unlike `resolve`, it accepts circular links
    if not Path(target).is_file():
        tree.skipped[path] = _LINK_BROKEN if inside is None else _LINK_OUT
    elif inside is not None and not _is_inside(target, inside):
        tree.skipped[path] = _LINK_OUT
    else:
        status = entry.stat()
        tree.files[path] = FileImage(target, status.st_size, status.st_mtime_ns)


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


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
    folders: set[str] = set()
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
        folders.update(str(folder) for folder in path.parents)
        if member.is_dir():
            folders.add(str(path))
            continue
        if not name.isprintable():
            skipped[name] = _UNPRINTABLE
        elif stat.S_ISLNK(member.external_attr >> 16):
            skipped[name] = _LINK_OUT
        else:
            files[str(path)] = ZippedImage(archive, member, f"{place}/{name}")
    visible = sorted(name for name in folders - {"."} if not is_hidden_path(name))
    return Tree(place, files, skipped, visible)
