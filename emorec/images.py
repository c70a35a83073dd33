"""Reading and writing of image files, with errors that name the file."""

import os
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from emorec.atomic_files import write_bytes
from emorec.errors import DataError
from emorec.headers import read_header

Image = npt.NDArray[np.uint8]
Bytes = npt.NDArray[np.uint8]
"""The content of a file, shape (n,)."""

MAX_FILE_BYTES = 256 * 2**20
"""Larger image files are rejected before they are read."""

MAX_PIXELS = 2**27
"""Images with more pixels are rejected before decoding; 134 million pixels take 400 MB."""


def read_bytes(path: Path) -> Bytes:
    """Read the bytes of an image file.

    Raises:
        DataError: The file is missing, not a regular file, unreadable, empty or larger than
            `MAX_FILE_BYTES`.
    """
    try:
        if not path.exists():
            raise DataError(f"{path}: no such file")
        if not path.is_file():
            raise DataError(f"{path}: not a regular file")
        size = path.stat().st_size
        if size == 0:
            raise DataError(f"{path}: the file is empty (0 bytes)")
        if size > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES // 2**20
            raise DataError(f"{path}: {size / 2**20:.0f} MiB; the limit for images is {limit} MiB")
        return np.fromfile(path, np.uint8)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error


def _decode(path: Path, flags: int, data: Bytes) -> Image:
    header = read_header(data.data)
    if header is not None:
        check_size(path, header.size_wh)
    return decode_unchecked(path, flags, data)


def check_size(path: Path, size_wh: tuple[int, int]) -> None:
    """Check that an image has at most `MAX_PIXELS` pixels.

    Raises:
        DataError: The header claims more.
    """
    width, height = size_wh
    if width * height > MAX_PIXELS:
        raise _too_large(path, f"{width}x{height} pixels")


def _too_large(path: Path, size: str) -> DataError:
    limit = f"{MAX_PIXELS / 1e6:.0f} megapixels"
    return DataError(f"{path}: {size}; the limit is {limit}; downscale the image first")


def decode_unchecked(path: Path, flags: int, data: Bytes) -> Image:
    """Decode an image whose size has been checked; the limit of OpenCV still applies.

    Args:
        path: File name for messages.
        flags: `cv2.IMREAD_*` flags.
        data: Content of the file.

    Raises:
        DataError: The bytes are not a readable image.
    """
    try:
        image = cv2.imdecode(data, flags)
    except (cv2.error, MemoryError) as error:
        reason = " ".join(str(getattr(error, "err", "") or error).split())
        if "MAX_IMAGE_PIXELS" in reason:
            raise _too_large(path, "too many pixels") from error
        raise DataError(f"{path}: not a readable image ({reason})") from error
    if image is None or image.size == 0:
        raise DataError(f"{path}: not a readable image; is it damaged or of another type?")
    return cast(Image, image)


def check_readable(path: Path, data: Bytes) -> None:
    """Check that the content of an image file decodes completely.

    Raises:
        DataError: It does not.
    """
    _decode(path, cv2.IMREAD_GRAYSCALE, data)


def read_bgr(path: str | os.PathLike[str]) -> Image:
    """Read an image as BGR, upright according to its EXIF orientation.

    Grey images are replicated to three channels, 16 bits are reduced to 8, alpha is dropped.

    Returns:
        Image, shape (height, width, 3), uint8, 0..255, BGR.

    Raises:
        DataError: The file cannot be read or is not an image.
    """
    return decode_bgr(Path(path), read_bytes(Path(path)))


def decode_bgr(path: Path, data: Bytes) -> Image:
    """Decode the content of an image file as `read_bgr` does; the path is for messages.

    Raises:
        DataError: The bytes are not a readable image.
    """
    return _decode(path, cv2.IMREAD_COLOR, data)


def read_gray(path: str | os.PathLike[str]) -> Image:
    """Read an image as grey, upright; shape (height, width), uint8.

    Raises:
        DataError: The file cannot be read or is not an image.
    """
    return _decode(Path(path), cv2.IMREAD_GRAYSCALE, read_bytes(Path(path)))


def to_gray(image: Image) -> Image:
    """Convert a BGR or grey image to grey; shape (height, width), uint8."""
    return cast(Image, cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)) if image.ndim == 3 else image


def write_image(path: str | os.PathLike[str], image: npt.NDArray[Any]) -> None:
    """Write a BGR or grey image atomically, in the format of the path's suffix.

    Raises:
        DataError: The suffix is unknown or the file cannot be written.
    """
    target = Path(path)
    try:
        done, data = cv2.imencode(target.suffix, image)
    except cv2.error as error:
        raise DataError(f"{target}: cannot write images of type {target.suffix!r}") from error
    if not done:
        raise DataError(f"{target}: the image could not be encoded as {target.suffix!r}")
    write_bytes(target, data.tobytes())
