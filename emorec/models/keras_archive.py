"""Reading of .keras files, which are zip files, within limits.

The sizes that a zip file states need not be true, so the bytes are counted while they are unpacked.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from emorec.errors import ModelError

CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
METADATA = "emorec.json"
"""Member that holds the metadata of emorec."""

MEMBERS = frozenset((CONFIG, METADATA, "metadata.json", WEIGHTS))
"""The members of a .keras file; no other may occur."""

MAX_JSON_BYTES = 16 * 2**20
"""Larger JSON members are refused."""

MAX_WEIGHTS_BYTES = 2**29
"""Larger weights are refused; the largest of emorec's architectures have 120 MB."""

MAX_DIRECTORY_BYTES = 4096
"""A larger list of members is refused before it is read."""

_CHUNK = 2**18
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_END, _END_SIZE = b"PK\x05\x06", 22
_ZIP64_LOCATOR, _ZIP64_LOCATOR_SIZE = b"PK\x06\x07", 20
_MAX_COMMENT = 2**16


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a .keras file.

    Raises:
        ModelError: The file is no zip file, is damaged, or has too many, repeated or other members;
            also for what zipfile raises while the file is open.
    """
    try:
        with path.open("rb") as file:
            _check_directory(file, path)
            with zipfile.ZipFile(file) as archive:
                names = archive.namelist()
                other = next((name for name in names if name not in MEMBERS), None)
                if other is not None or len(names) > len(set(names)):
                    raise ModelError(
                        f"{path}: a .keras file holds {', '.join(sorted(MEMBERS))}, each once; "
                        f"this one holds {other or names[-1]!r:.80}{'' if other else ' twice'}"
                    )
                yield archive
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise ModelError(f"{path}: not a .keras file, or a damaged one ({error})") from error


def read_member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    """Read a JSON member.

    Args:
        archive: The opened file.
        name: Name of the member.
        path: The file, for messages.

    Raises:
        ModelError: The member is missing, too large, encrypted or damaged.
    """
    return b"".join(_chunks(archive, name, path, MAX_JSON_BYTES))


def extract_weights(archive: zipfile.ZipFile, path: Path, target: Path) -> None:
    """Unpack the weights.

    Args:
        archive: The opened file.
        path: The file, for messages.
        target: File to write.

    Raises:
        ModelError: The member is missing, too large, encrypted or damaged.
    """
    with target.open("wb") as file:
        for chunk in _chunks(archive, WEIGHTS, path, MAX_WEIGHTS_BYTES):
            file.write(chunk)


def _chunks(archive: zipfile.ZipFile, name: str, path: Path, most: int) -> Iterator[bytes]:
    try:
        info = archive.getinfo(name)
    except KeyError:
        what = "its emorec metadata" if name == METADATA else f"the part {name}"
        raise ModelError(
            f"{path}: the file lacks {what}; only models trained by emorec can be used"
        ) from None
    if info.file_size > most:
        raise ModelError(
            f"{path}: the part {name} has {info.file_size} bytes; at most {most} are read"
        )
    if info.compress_type not in _COMPRESSIONS:
        raise ModelError(f"{path}: the part {name} has the compression {info.compress_type}")
    try:
        with archive.open(info) as member:
            # Never read() without a size: it unpacks all that is stored, whatever size is stated.
            while chunk := member.read(_CHUNK):
                yield chunk
    # zipfile raises RuntimeError for an encrypted member.
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError) as error:
        raise ModelError(f"{path}: the part {name} cannot be read: {error}") from error


def _check_directory(file: BinaryIO, path: Path) -> None:
    """Check the size of the list of members, which zipfile reads at once.

    The record at the end is found as zipfile finds it.
    """
    size = file.seek(0, 2)
    file.seek(max(size - _MAX_COMMENT - _END_SIZE - _ZIP64_LOCATOR_SIZE, 0))
    tail = file.read()
    file.seek(0)
    position = len(tail) - _END_SIZE
    if tail[position : position + 4] != _END or tail[-2:] != b"\0\0":
        position = tail.rfind(_END)
    if position < 0:
        return  # zipfile refuses the file
    (directory,) = struct.unpack_from("<L", tail, position + 12)
    locator = tail[max(position - _ZIP64_LOCATOR_SIZE, 0) : position]
    if directory > MAX_DIRECTORY_BYTES or locator.startswith(_ZIP64_LOCATOR):
        raise ModelError(f"{path}: the file has more members than a .keras file of emorec")
