"""Reading and writing of image files, with errors that name the file."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from emorec.atomic_files import write_bytes
from emorec.decoder_server import NOT_AN_IMAGE
from emorec.errors import DataError
from emorec.file_kinds import reads_heif
from emorec.headers import Header, read_header
from emorec.iso_images import turned

if TYPE_CHECKING:
    from emorec.decoder_process import Animation

Image = npt.NDArray[np.uint8]
Bytes = npt.NDArray[np.uint8]
"""The content of a file, shape (n,)."""
Location = str | os.PathLike[str]
"""File name, for messages."""

MAX_FILE_BYTES = 256 * 2**20
"""Larger image files are rejected before they are read."""

MAX_PIXELS = 2**27
"""Images with more pixels are rejected before decoding; 134 million pixels take 400 MB."""

_MOST_BITS_IN_16 = 12
"""Images of 16 bits whose values take more bits than this are taken as they are."""


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


def check_size(location: Location, size_wh: tuple[int, int]) -> None:
    """Check that an image has at most `MAX_PIXELS` pixels.

    Raises:
        DataError: The header claims more.
    """
    width, height = size_wh
    if width * height > MAX_PIXELS:
        raise _too_large(location, f"{width}x{height} pixels")


def _too_large(location: Location, size: str) -> DataError:
    limit = f"{MAX_PIXELS / 1e6:.0f} megapixels"
    return DataError(f"{location}: {size}; the limit is {limit}; downscale the image first")


def decode_image(location: Location, data: Bytes | bytes, flags: int) -> Image:
    """Decode a still image of at most `MAX_PIXELS` pixels, upright.

    Args:
        location: File name for messages.
        data: Bytes of the file.
        flags: `cv2.IMREAD_COLOR` or `cv2.IMREAD_GRAYSCALE`.

    Returns:
        Shape (height, width, 3), BGR, or (height, width); uint8, 0..255.

    Raises:
        DataError: The bytes are not a readable image.
    """
    content = np.frombuffer(data, np.uint8)
    header = read_header(content.data)
    if header is not None:
        check_size(location, header.size_wh)
    return decode_unchecked(location, content, flags, header)


def decode_unchecked(location: Location, data: Bytes, flags: int, header: Header | None) -> Image:
    """Decode an image whose size has been checked; the limit of OpenCV still applies.

    Every still image of a user passes here. Content of a kind that is proven safe is decoded in
    this process, which is faster; everything else in a decoder process, where a crash, a hang or a
    memory blow-up costs this file alone.

    Args:
        location: File name for messages.
        data: Bytes of the file.
        flags: `cv2.IMREAD_*` flags.
        header: The header of the content, if it has a known one.

    Raises:
        DataError: The bytes are not a readable image.
    """
    header = header or Header((0, 0))
    if header.refusal:
        raise DataError(f"{location}: {header.refusal}")
    if header.has_16_bits:
        flags |= cv2.IMREAD_ANYDEPTH
    if header.turns:
        flags |= cv2.IMREAD_IGNORE_ORIENTATION  # their writers repeat them as EXIF orientation
    if header.trusted:
        pixels = _decode_here(location, data, flags)
    else:
        pixels = _decode_apart(location, data, flags, header)
    image = _to_8_bits(pixels) if pixels.dtype == np.uint16 else cast(Image, pixels)
    return turned(image, header.turns) if header.turns else image


def _decode_here(location: Location, data: Bytes, flags: int) -> npt.NDArray[Any]:
    try:
        pixels = cv2.imdecode(data, flags)
    except (cv2.error, MemoryError) as error:
        reason = " ".join(str(getattr(error, "err", "") or error).split())
        raise _unreadable(location, reason) from error
    if pixels is None or pixels.size == 0:
        raise _unreadable(location, NOT_AN_IMAGE)
    return pixels


def _decode_apart(location: Location, data: Bytes, flags: int, header: Header) -> npt.NDArray[Any]:
    # Imported here because most images need no decoder process.
    from emorec.decoder_process import DecodingError, decoder_process

    if header.is_heic and not reads_heif():
        from emorec.installation import install_command

        raise DataError(
            f"{location}: HEIC images need the extra heic; install it with: "
            f"{install_command('heic')}"
        )
    try:
        with decoder_process() as decoder:
            if not header.is_heic:
                return decoder.decode(data, flags)
            image_bgr = cast(Image, decoder.decode_heic(data))
    except DecodingError as error:
        raise _unreadable(location, str(error)) from error
    return image_bgr if flags & cv2.IMREAD_COLOR else to_gray(image_bgr)


def _unreadable(location: Location, reason: str) -> DataError:
    if "MAX_IMAGE_PIXELS" in reason:
        return _too_large(location, "too many pixels")
    return DataError(f"{location}: not a readable image ({reason})")


def _to_8_bits(pixels: npt.NDArray[np.uint16]) -> Image:
    """Reduce 16 bits to the upper 8; of values of 9 to 12 bits, to the upper 8 of these.

    Cameras of 10 or 12 bits store their values in files of 16 bits, which are nearly black then.
    """
    used = int(pixels.max()).bit_length()
    shift = max(used - 8, 0) if used <= _MOST_BITS_IN_16 else 8
    return (pixels >> shift).astype(np.uint8)


def decode_animation(location: Location, data: Bytes, max_frames: int) -> "Animation":
    """Decode up to `max_frames` frames of an animation in a decoder process.

    Raises:
        DataError: The bytes are not a readable animation.
    """
    from emorec.decoder_process import DecodingError, decoder_process

    try:
        with decoder_process() as decoder:
            return decoder.decode_animation(data, max_frames)
    except DecodingError as error:
        raise DataError(f"{location}: not a readable animation ({error})") from error


def read_bgr(path: str | os.PathLike[str]) -> Image:
    """Read an image as BGR, upright according to its EXIF orientation.

    Grey images are replicated to three channels, 16 bits are reduced to 8, alpha is dropped.

    Returns:
        Image, shape (height, width, 3), uint8, 0..255, BGR.

    Raises:
        DataError: The file cannot be read or is not an image.
    """
    return decode_image(path, read_bytes(Path(path)), cv2.IMREAD_COLOR)


def read_gray(path: str | os.PathLike[str]) -> Image:
    """Read an image as grey, upright; shape (height, width), uint8.

    Raises:
        DataError: The file cannot be read or is not an image.
    """
    return decode_image(path, read_bytes(Path(path)), cv2.IMREAD_GRAYSCALE)


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
