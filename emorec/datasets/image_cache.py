"""Caches the decoded images of a data set in a memory-mapped file of the user's cache folder.

A cache file is a .npy file whose name is a hash of its inputs; the CRC-32 of its pixels follows the
array. It is rebuilt when the path, size or time of an image changes, or when it is damaged.
"""

import hashlib
import logging
import math
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from emorec import resources
from emorec.atomic_files import written_whole
from emorec.datasets.loading import CHANNELS, decoded_chunks, load_images
from emorec.errors import DataError
from emorec.images import Image
from emorec.threads import ProgressCallback

_log = logging.getLogger(__name__)

SCHEMA_VERSION = "2"
"""Part of every key: change it when the decoded pixels change."""

FOLDER = "packs"
"""Folder below the cache folder; the old name stays so that existing caches remain valid."""

_CRC_BYTES = 4
_CRC_CHUNK = 2**24
_UNUSED_DAYS = 30


class _CacheError(Exception):
    """The cache cannot be written."""


def cached_images(
    paths: Sequence[Path],
    size: int,
    color: str,
    interpolation: str,
    progress: ProgressCallback | None = None,
) -> Image:
    """Return decoded images as `load_images` does, but decode each image only once.

    The pixels stay on disk and the system pages them into memory, so data larger than the memory
    can be used for training. If the cache cannot be written, the images are held in memory, with a
    warning. Cache files that were not used for 30 days are deleted.

    Args:
        paths: Image files, n of them.
        size: Side of the model's input in pixels.
        color: "gray" or "rgb".
        interpolation: See `emorec.preprocessing.INTERPOLATIONS`.
        progress: Called now and then with the number of decoded images and their total.

    Returns:
        Pixels, shape (n, size, size, channels), uint8, 0..255; RGB order; read-only.

    Raises:
        DataError: Images are missing or unreadable; names the first and counts all.
    """
    shape = (len(paths), size, size, CHANNELS[color])
    try:
        key = _key(paths, size, color, interpolation)
    except OSError:
        # An image is missing; decoding names the first and counts all.
        return load_images(paths, size, color, interpolation, progress)
    try:
        folder = resources.cache_folder() / FOLDER
        file = folder / f"{key}.npy"
        cached = _open(file, shape)
        if cached is not None:
            return cached
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _delete_old(folder)
        except OSError as error:
            raise _CacheError(f"{folder}: {error.strerror or error}") from error
        _write(file, shape, paths, color, interpolation, progress)
        cached = _open(file, shape)
        if cached is None:
            raise _CacheError(f"{file}: the file read back differs from the one written")
        return cached
    except _CacheError as error:
        _log.warning(
            "the image cache cannot be used (%s), so decoded images are held in memory; set "
            "EMOREC_CACHE to another folder",
            error,
        )
        return load_images(paths, size, color, interpolation, progress)


def _key(paths: Sequence[Path], size: int, color: str, interpolation: str) -> str:
    """Hash the paths, sizes and times of the images, and the settings of decoding.

    Raises:
        OSError: An image is missing.
    """
    settings = f"{SCHEMA_VERSION} {cv2.__version__} {size} {color} {interpolation}"
    digest = hashlib.sha256(settings.encode())
    for path in paths:
        status = path.stat()
        entry = f"\0{path.absolute()}\0{status.st_size}\0{status.st_mtime_ns}"
        digest.update(entry.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _open(file: Path, shape: tuple[int, ...]) -> Image | None:
    """Map a cache file into memory; None if it is missing or damaged."""
    if not math.prod(shape):
        return np.empty(shape, np.uint8)
    try:
        pixels = np.load(file, mmap_mode="r", allow_pickle=False)
        if pixels.shape != shape or pixels.dtype != np.uint8 or not pixels.flags.c_contiguous:
            return None
        crc = _crc(pixels)
        with file.open("rb") as stream:
            stream.seek(-_CRC_BYTES, 2)
            if stream.read() != crc:
                return None
        # The modification time records the last use; see `_delete_old`.
        file.touch()
    except (OSError, ValueError, EOFError):
        return None
    return np.asarray(pixels)


def _crc(pixels: Image) -> bytes:
    flat, value = pixels.reshape(-1), 0
    for start in range(0, len(flat), _CRC_CHUNK):
        value = zlib.crc32(flat[start : start + _CRC_CHUNK].data, value)
    return value.to_bytes(_CRC_BYTES, "little")


def _write(
    file: Path,
    shape: tuple[int, ...],
    paths: Sequence[Path],
    color: str,
    interpolation: str,
    progress: ProgressCallback | None,
) -> None:
    """Decode the images to a cache file, chunk by chunk and atomically.

    Raises:
        DataError: Images are missing or unreadable.
        _CacheError: The file cannot be written.
    """
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    crc = 0
    try:
        with written_whole(file) as partial, partial.open("wb") as stream:
            np.lib.format.write_array_header_1_0(stream, header)
            for chunk in decoded_chunks(paths, shape[1], color, interpolation, progress):
                stream.write(chunk.data)
                crc = zlib.crc32(chunk.data, crc)
            stream.write(crc.to_bytes(_CRC_BYTES, "little"))
    except DataError as error:
        # The error for unreadable images has no cause; that of `written_whole` has one.
        if isinstance(error.__cause__, OSError):
            raise _CacheError(str(error)) from error
        raise


def _delete_old(folder: Path) -> None:
    """Delete cache files that were not used for long, and partial files of killed processes."""
    oldest = time.time() - _UNUSED_DAYS * 86400
    for file in folder.glob("*.npy"):
        # Another process may finish or delete a file meanwhile.
        with suppress(FileNotFoundError):
            if file.stat().st_mtime < oldest:
                file.unlink()
