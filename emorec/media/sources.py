"""Expansion of command-line arguments to image and video sources.

`expand` yields unopened `MediaSource`s one by one, so that a folder of any size takes little
memory. `media.reading` opens images, `media.video` opens videos, cameras and streams, which are
recognized by their names; both return `Frame`s. A problem found during expansion (an empty folder,
a missing list) is stored in the source and raised when the source is read: bad input appears in
the results and never ends a batch.
"""

import os
import sys
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path

from emorec.errors import DataError
from emorec.file_kinds import (
    is_hidden,
    is_readable_image_name,
    is_text_file,
    is_video_file,
    left_out_text,
)
from emorec.frames import Frame
from emorec.media import addresses
from emorec.suggestions import close_names

STDIN = "-"

_CAMERA_WORDS = ("cam", "camera", "webcam")

_MOST_COMPARED = 10_000
"""Files of a folder that are compared with a missing name."""

MAX_NAME_BYTES = 255
"""Longest name of a file, in bytes, on the file systems in use."""

MAX_LIST_BYTES = 64 * 2**20
"""Longer lists of paths are rejected."""


@dataclass(frozen=True, slots=True)
class MediaSource:
    """An image or video source that is not opened yet.

    Attributes:
        name: Name in records and messages.
        output_stem: Path of its outputs relative to the output folder, without suffix.
        duplicate_number: Counts the sources of equal `output_stem`, from 1.
        listed: The source comes from a folder or a list; the user did not name it directly.
        problem: What makes the source unreadable, if already known.
        is_video: The source is a video, a camera or a stream.
    """

    name: str
    output_stem: str
    duplicate_number: int = 1
    listed: bool = False
    problem: str | None = None
    is_video: bool = False

    def output_name(self, ending: str, frame: Frame | None = None) -> str:
        """Return the name of an output of this source, e.g. "sub/photo-emotions-2.jpg".

        A name that is too long for a file system is shortened, and ends in a hash of the whole one.

        Args:
            ending: End of the name, e.g. "-emotions.jpg".
            frame: The frame that the output shows, if the source has several frames.
        """
        ending_stem, suffix = Path(ending).stem, Path(ending).suffix
        duplicate = "" if self.duplicate_number == 1 else f"-{self.duplicate_number}"
        of_frame = "" if frame is None or frame.number is None else f"-frame{frame.number:06}"
        end = f"{of_frame}{ending_stem}{duplicate}{suffix}"
        folder, slash, stem = self.output_stem.rpartition(os.sep)
        return f"{folder}{slash}{_shortened(stem, MAX_NAME_BYTES - len(os.fsencode(end)))}{end}"


def _shortened(stem: str, most_bytes: int) -> str:
    if len(os.fsencode(stem)) <= most_bytes:
        return stem
    from hashlib import sha256

    end = f"-{sha256(os.fsencode(stem)).hexdigest()[:12]}"
    kept = stem
    while len(os.fsencode(kept + end)) > most_bytes:
        kept = kept[:-1]
    return kept + end


def expand(
    arguments: Iterable[str], pattern: str | None = None, left_out: list[str] | None = None
) -> Iterator[MediaSource]:
    """Expand arguments to sources, in the order of the arguments; folders are sorted by name.

    A file that an argument or a list names is an image or a video by its content, if that is
    recognised; in folders names decide.

    Args:
        arguments: Each an image or video file, a camera number, the address of a stream, a folder
            (searched recursively, except hidden files and folders), "@list.txt" (a file with one
            path per line; "@-" reads it from standard input) or "-" (an image on standard input).
        pattern: Files to take from folders, e.g. "*.png", compared with the file name or, if the
            pattern has a slash, with the path inside the folder; None takes all images.
        left_out: Receives the paths of the files that were not taken from folders; without a
            pattern only, because a pattern says what to leave out.
    """
    uses: Counter[str] = Counter()
    names = [] if left_out is None else left_out
    for source in _expand(arguments, pattern, names):
        # Some file systems ignore case.
        key = source.output_stem.casefold()
        uses[key] += 1
        yield source if uses[key] == 1 else replace(source, duplicate_number=uses[key])


def _expand(
    arguments: Iterable[str], pattern: str | None, left_out: list[str]
) -> Iterator[MediaSource]:
    for argument in arguments:
        if argument == STDIN:
            yield MediaSource(STDIN, "stdin")
        elif is_list(argument):
            yield from _from_list(argument, pattern, left_out)
        else:
            yield from _from_path(argument, pattern, left_out)


def is_list(argument: str) -> bool:
    """Report whether an argument is a list of paths: "@list.txt", unless a file has that name."""
    return argument.startswith("@") and not os.path.lexists(argument)


def _from_path(
    path: str, pattern: str | None, left_out: list[str], listed: bool = False
) -> Iterator[MediaSource]:
    if not _is_folder(Path(path)):
        stream = addresses.is_camera(path) or addresses.is_url(path)
        is_video = addresses.is_video(path) if stream else is_video_file(path)
        stem = addresses.output_stem(path) if is_video else Path(path).stem
        problem = None if listed or stream or is_video else _problem_of_name(path)
        yield MediaSource(path, stem or "image", listed=listed, problem=problem, is_video=is_video)
        return
    found = False
    before = len(left_out)
    for source in _from_folder(path, "", pattern, frozenset(), left_out):
        found = True
        yield source
    if not found:
        problem = f"no images match {pattern!r}" if pattern else "no images in this folder"
        if others := left_out_text(left_out[before:]):
            problem += f"; {others}"
        yield MediaSource(path, "folder", problem=problem)


def _problem_of_name(path: str) -> str | None:
    """Describe what keeps a name that the user typed from being an image; None if it may be one."""
    if not os.path.lexists(path):
        if path.lower() in _CAMERA_WORDS:
            return "no such file; a camera is named by its number, such as 0"
        try:
            with os.scandir(Path(path).parent) as entries:
                names = [entry.name for entry in islice(entries, _MOST_COMPARED)]
        except (OSError, ValueError):
            names = []
        if close := close_names(Path(path).name, names):
            return f"no such file; did you mean {str(Path(path).parent / close[0])!r}?"
        return None  # reading it says so
    if is_text_file(path):
        return f"a text file, not an image; for the files that it lists, name it as @{path}"
    return None


def _from_list(argument: str, pattern: str | None, left_out: list[str]) -> Iterator[MediaSource]:
    try:
        data = _read_list(argument[1:])
    except (OSError, DataError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        yield MediaSource(argument, "list", problem=f"cannot read the list: {reason}")
        return
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):  # what PowerShell 5 writes for ">"
        data = data.decode("utf-16", "replace").encode()
    for line in data.removeprefix(BOM_UTF8).splitlines():
        if line:
            yield from _from_path(os.fsdecode(line), pattern, left_out, listed=True)


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
    folder: str,
    below: str,
    pattern: str | None,
    above: frozenset[tuple[int, int]],
    left_out: list[str],
) -> Iterator[MediaSource]:
    """Yield the sources of a folder and its subfolders.

    Args:
        folder: Path of the folder.
        below: Its path relative to the folder that the user named.
        pattern: As for `expand`.
        above: Device and inode of its parent folders; links back to one of them are skipped.
        left_out: Receives the paths of the files that are not taken, unless there is a pattern.
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
        if is_hidden(entry.name):
            continue
        relative = str(Path(below, entry.name))
        if _is_folder(entry):
            yield from _from_folder(entry.path, relative, pattern, above, left_out)
        elif _matches(entry.name, relative, pattern):
            stem = str(Path(below, Path(entry.name).stem))
            is_video = addresses.is_video(entry.path)
            yield MediaSource(entry.path, stem, listed=True, is_video=is_video)
        elif pattern is None:
            left_out.append(entry.path)


def _is_folder(entry: os.DirEntry[str] | Path) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a circular link or a closed folder; reading it reports the error
        return False


def _matches(name: str, relative: str, pattern: str | None) -> bool:
    if pattern is None:
        return is_readable_image_name(name)
    return fnmatch(relative if "/" in pattern else name, pattern)
