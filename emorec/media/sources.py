"""Finds what to look at: picture files, folders, lists of paths and standard input.

`expand` turns what the user named into `MediaSource`s, one after another and unopened, so that a
folder of any size takes little memory; `media.reading` opens one. A source that turned out bad
while it was searched for (an empty folder, a list that is not there) carries its `problem`, and
reading it raises that: bad input always shows up in the results, and never ends a batch.

Videos, cameras and streams are told apart here by their names; `media.video` opens them. From
their `Frame`s on everything (recognizer, records, sinks, pictures) is the same.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from emorec.errors import DataError
from emorec.frames import Frame
from emorec.images import IMAGE_SUFFIXES
from emorec.media import addresses

READABLE_SUFFIXES = (
    *IMAGE_SUFFIXES,
    *(".avif", ".dib", ".gif", ".hdr", ".jp2", ".jpe", ".pbm", ".pfm", ".pic", ".pnm", ".pxm"),
    *(".ras", ".sr"),
)
"""What is taken for a picture in a folder, unless a pattern says otherwise."""

STDIN = "-"

MAX_LIST_BYTES = 64 * 2**20
"""A longer list of paths is refused."""


@dataclass(frozen=True, slots=True)
class MediaSource:
    """One thing to look at, not opened yet.

    Attributes:
        name: How records and messages call it.
        place: Where its outputs go below the folder of outputs: relative, without a suffix.
        number: Tells sources of equal `place` apart, from 1.
        listed: It was found in a folder or a list; the user did not name it alone.
        problem: What is already known to be wrong with it.
        video: It is a video, a camera or a stream, for `inference.videos`.
    """

    name: str
    output_stem: str
    duplicate_number: int = 1
    listed: bool = False
    problem: str | None = None
    is_video: bool = False

    def output_name(self, ending: str, frame: Frame | None = None) -> str:
        """Name an output of this source, such as "sub/photo-emotions-2.jpg".

        Args:
            ending: For example "-emotions.jpg".
            frame: Where a source has several frames, the one that the output is made of.
        """
        stem, suffix = Path(ending).stem, Path(ending).suffix
        again = "" if self.duplicate_number == 1 else f"-{self.duplicate_number}"
        of_frame = "" if frame is None or frame.number is None else f"-frame{frame.number:06}"
        return f"{self.output_stem}{of_frame}{stem}{again}{suffix}"


def expand(arguments: Iterable[str], pattern: str | None = None) -> Iterator[MediaSource]:
    """Find all sources that arguments stand for, in their order, folders sorted by name.

    Args:
        arguments: Each a picture or video file, the number of a camera, the address of a stream, a
            folder (with all below it but hidden files and folders), "@list.txt" (paths, one a line;
            "@-" reads them from standard input) or "-" (a picture on standard input).
        pattern: What to take from folders, such as "*.png", matched with file names, or with
            paths inside the folder if it has a slash; None takes `READABLE_SUFFIXES`.
    """
    uses: Counter[str] = Counter()
    for source in _expand(arguments, pattern):
        # Some file systems take names for equal that differ in case alone.
        key = source.output_stem.casefold()
        uses[key] += 1
        yield source if uses[key] == 1 else replace(source, duplicate_number=uses[key])


def _expand(arguments: Iterable[str], pattern: str | None) -> Iterator[MediaSource]:
    for argument in arguments:
        if argument == STDIN:
            yield MediaSource(STDIN, "stdin")
        elif is_list(argument):
            yield from _from_list(argument, pattern)
        else:
            yield from _from_path(argument, pattern)


def is_list(argument: str) -> bool:
    """Tell whether an argument names a list of paths: "@list.txt", but no file called that."""
    return argument.startswith("@") and not os.path.lexists(argument)


def _from_path(path: str, pattern: str | None, listed: bool = False) -> Iterator[MediaSource]:
    if not Path(path).is_dir():
        is_video = addresses.is_video(path)
        stem = addresses.output_stem(path) if is_video else Path(path).stem
        yield MediaSource(path, stem or "image", listed=listed, is_video=is_video)
        return
    found = False
    for source in _from_folder(path, "", pattern, frozenset()):
        found = True
        yield source
    if not found:
        what = f"that match {pattern!r}" if pattern else "in it"
        yield MediaSource(path, "folder", problem=f"no pictures {what}")


def _from_list(argument: str, pattern: str | None) -> Iterator[MediaSource]:
    try:
        data = _read_list(argument[1:])
    except (OSError, DataError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        yield MediaSource(argument, "list", problem=f"cannot read the list: {reason}")
        return
    for line in data.splitlines():
        if line:
            yield from _from_path(os.fsdecode(line), pattern, listed=True)


def _read_list(name: str) -> bytes:
    if name == STDIN:
        data = sys.stdin.buffer.read(MAX_LIST_BYTES + 1)
    else:
        if Path(name).exists() and not Path(name).is_file():
            raise DataError("not a regular file")
        with Path(name).open("rb") as file:
            data = file.read(MAX_LIST_BYTES + 1)
    if len(data) > MAX_LIST_BYTES:
        raise DataError(f"longer than {MAX_LIST_BYTES // 2**20} MiB")
    return data


def _from_folder(
    folder: str, below: str, pattern: str | None, above: frozenset[tuple[int, int]]
) -> Iterator[MediaSource]:
    """Walk a folder.

    Args:
        folder: Where it is.
        below: Its path inside the folder that the user named.
        pattern: As for `expand`.
        above: Device and inode of the folders around it; a link back to one of them is left out.
    """
    try:
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in above:
            return
        with os.scandir(folder) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
    except OSError as error:
        yield MediaSource(
            folder, below or "folder", listed=True, problem=error.strerror or str(error)
        )
        return
    above |= {(status.st_dev, status.st_ino)}
    for entry in entries:
        if entry.name.startswith("."):
            continue
        relative = str(Path(below, entry.name))
        if _is_folder(entry):
            yield from _from_folder(entry.path, relative, pattern, above)
        elif _wanted(entry.name, relative, pattern):
            stem = str(Path(below, Path(entry.name).stem))
            is_video = addresses.is_video(entry.path)
            yield MediaSource(entry.path, stem, listed=True, is_video=is_video)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that turns in a circle; reading it says so
        return False


def _wanted(name: str, relative: str, pattern: str | None) -> bool:
    if pattern is None:
        return name.lower().endswith(READABLE_SUFFIXES)
    return fnmatch(relative if "/" in pattern else name, pattern)
