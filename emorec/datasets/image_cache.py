"""Keeps the decoded images of a data set in a file of the user's cache, mapped into memory.

A pack is a .npy file named after what it was made of, followed by the CRC-32 of its pixels. It is
made anew when an image's path, size or time changes, or when the file is damaged.
"""

import hashlib
import logging
import math
import time
import zlib
from collections.abc import Sequence
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

FORMAT = "1"
"""Goes into every key: change it when pixels come out otherwise than before."""

_CRC_BYTES = 4
_CRC_CHUNK = 2**24
_UNUSED_DAYS = 30


class _NotKeptError(Exception):
    """The cache cannot be written."""


def cached_images(
    paths: Sequence[Path],
    size: int,
    color: str,
    interpolation: str,
    report: ProgressCallback | None = None,
) -> Image:
    """Give decoded images as `load_images` does, but decode each image only once and for all.

    The pixels stay on disk, and the system keeps in memory what there is room for, so data larger
    than the memory can be trained on. Where the cache cannot be written, the images are held in
    memory, and a warning says so. Packs that were not used for 30 days are deleted.

    Args:
        paths: Image files, n of them.
        size: Side of the model's input in pixels.
        color: "gray" or "rgb".
        interpolation: See `emorec.preprocessing.INTERPOLATIONS`.
        report: Called with the number decoded and the number in all, now and then.

    Returns:
        Pixels, shape (n, size, size, channels), uint8, 0..255; RGB order; not to be written to.

    Raises:
        DataError: Images are missing or unreadable; the first is named and all are counted.
    """
    shape = (len(paths), size, size, CHANNELS[color])
    try:
        key = _key(paths, size, color, interpolation)
    except OSError:
        # An image is missing; decoding says which, and how many there are.
        return load_images(paths, size, color, interpolation, report)
    try:
        folder = resources.cache_folder() / "packs"
        pack = folder / f"{key}.npy"
        kept = _opened(pack, shape)
        if kept is not None:
            return kept
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _sweep(folder)
        except OSError as error:
            raise _NotKeptError(f"{folder}: {error.strerror or error}") from error
        _write(pack, shape, paths, color, interpolation, report)
        kept = _opened(pack, shape)
        if kept is None:
            raise _NotKeptError(f"{pack}: what was written is not what is read")
        return kept
    except _NotKeptError as error:
        _log.warning(
            "decoded images are held in memory, for the cache cannot be used (%s); another folder "
            "for it can be named in EMOREC_CACHE",
            error,
        )
        return load_images(paths, size, color, interpolation, report)


def _key(paths: Sequence[Path], size: int, color: str, interpolation: str) -> str:
    """Name of the pack: a hash of the images' paths, sizes and times, and of what is made of them.

    Raises:
        OSError: An image is missing.
    """
    about = f"{FORMAT} {cv2.__version__} {size} {color} {interpolation}"
    digest = hashlib.sha256(about.encode())
    for path in paths:
        found = path.stat()
        entry = f"\0{path.absolute()}\0{found.st_size}\0{found.st_mtime_ns}"
        digest.update(entry.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _opened(pack: Path, shape: tuple[int, ...]) -> Image | None:
    """Map a pack into memory; None where there is none, or a damaged one."""
    if not math.prod(shape):
        return np.empty(shape, np.uint8)
    try:
        pixels = np.load(pack, mmap_mode="r", allow_pickle=False)
        if pixels.shape != shape or pixels.dtype != np.uint8 or not pixels.flags.c_contiguous:
            return None
        crc = _crc(pixels)
        with pack.open("rb") as file:
            file.seek(-_CRC_BYTES, 2)
            if file.read() != crc:
                return None
        # Its time tells when it was last used.
        pack.touch()
    except (OSError, ValueError, EOFError):
        return None
    return np.asarray(pixels)


def _crc(pixels: Image) -> bytes:
    flat, value = pixels.reshape(-1), 0
    for start in range(0, len(flat), _CRC_CHUNK):
        value = zlib.crc32(flat[start : start + _CRC_CHUNK].data, value)
    return value.to_bytes(_CRC_BYTES, "little")


def _write(
    pack: Path,
    shape: tuple[int, ...],
    paths: Sequence[Path],
    color: str,
    interpolation: str,
    report: ProgressCallback | None,
) -> None:
    """Decode the images into a pack, whole or not at all, a chunk at a time.

    Raises:
        DataError: Images are missing or unreadable.
        _NotKeptError: The file cannot be written.
    """
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    crc = 0
    try:
        with written_whole(pack) as partial, partial.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for chunk in decoded_chunks(paths, shape[1], color, interpolation, report):
                file.write(chunk.data)
                crc = zlib.crc32(chunk.data, crc)
            file.write(crc.to_bytes(_CRC_BYTES, "little"))
    except DataError as error:
        # That of unreadable images has no cause; that of `written_whole` has.
        if isinstance(error.__cause__, OSError):
            raise _NotKeptError(str(error)) from error
        raise


def _sweep(folder: Path) -> None:
    """Delete what was not used for long, and what killed processes left behind."""
    oldest = time.time() - _UNUSED_DAYS * 86400
    for file in (*folder.glob("*.npy"), *folder.glob(".partial-*.npy")):
        if file.stat().st_mtime < oldest:
            file.unlink(missing_ok=True)
