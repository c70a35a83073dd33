"""Reading of image sources: still and animated images become frames.

The header is parsed first. An image with more than `images.MAX_PIXELS` is rejected, unless it is a
JPEG that can be decoded at 1/2, 1/4 or 1/8 of its size. All frames of an animation together have
the same limit; further frames are skipped and reported.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from emorec.errors import DataError
from emorec.frames import Frame
from emorec.headers import Header, read_header
from emorec.images import (
    MAX_FILE_BYTES,
    MAX_PIXELS,
    Bytes,
    Image,
    Location,
    check_size,
    decode_animation,
    decode_image,
    decode_unchecked,
    read_bytes,
)
from emorec.media.addresses import is_url
from emorec.media.sources import STDIN, MediaSource

_REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


@dataclass(frozen=True)
class MediaContent:
    """Content of an image source.

    Attributes:
        frames: At least one frame.
        problem: Message about skipped frames; None if there are no such frames.
        notes: What a user may not expect of the content, such as further pages.
    """

    frames: Sequence[Frame]
    problem: str | None = None
    notes: tuple[str, ...] = ()


def read_frames(source: MediaSource, max_side: int | None = None) -> MediaContent:
    """Read a still image, or all frames of an animated one.

    Args:
        source: The image source.
        max_side: Downscale larger images to this many pixels on their longer side.

    Raises:
        DataError: The source cannot be read or is not an image.
    """
    if source.problem is not None:
        raise DataError(f"{source.name}: {source.problem}")
    path = Path(source.name)
    data = _read_content(source.name)
    header = read_header(data.data)
    if header is not None and header.animated:
        check_size(path, header.size_wh)
        animation = _animation(path, data, header, max_side)
        if len(animation.frames) > 1:
            return animation
    pages = 1 if header is None else header.pages
    notes = (f"{path}: page 1 of {pages} was read",) if pages > 1 else ()
    return MediaContent([_still(path, data, header, max_side)], notes=notes)


def decode_still(location: Location, data: bytes) -> Frame:
    """Decode the content of an image file; of an animation, the first frame.

    Args:
        location: File name for messages.
        data: Bytes of the file.

    Returns:
        The upright image, as `read_frames` returns it.

    Raises:
        DataError: The bytes are not a readable image.
    """
    content = np.frombuffer(data, np.uint8)
    return _still(location, content, read_header(content.data), None)


def _still(path: Location, data: Bytes, header: Header | None, max_side: int | None) -> Frame:
    """Decode an image, at reduced size if the full size is too large or not needed."""
    if header is None:
        return downscale(Frame.from_image(decode_image(path, data, cv2.IMREAD_COLOR)), max_side)
    return downscale(_still_by_header(path, data, header, max_side), max_side)


def _still_by_header(path: Location, data: Bytes, header: Header, max_side: int | None) -> Frame:
    width, height = header.size_wh
    divisor = 1
    if header.shrinkable:
        for candidate in _REDUCED:
            too_large = width * height > MAX_PIXELS * divisor**2
            if too_large or (max_side and max(width, height) / candidate >= max_side):
                divisor = candidate
    if divisor == 1:
        check_size(path, header.size_wh)
        return Frame.from_image(decode_unchecked(path, data, cv2.IMREAD_COLOR, header))
    image_bgr = decode_unchecked(path, data, _REDUCED[divisor], header)
    # The EXIF orientation may have rotated it. On an image too close to square to detect this, the
    # size is at most 7 pixels off.
    rotated = image_bgr.shape[:2] != (-(-height // divisor), -(-width // divisor))
    return Frame(image_bgr, (height, width) if rotated else (width, height))


def _animation(path: Path, data: Bytes, header: Header, max_side: int | None) -> MediaContent:
    """Decode the composed frames of an animation; no frames if OpenCV detects no animation."""
    width, height = header.size_wh
    max_frames = max(MAX_PIXELS // max(width * height, 1), 1)
    animation = decode_animation(path, data, min(max_frames + 1, 2**15))
    frames = []
    shown_ms = 0
    pairs = zip(animation.frames[:max_frames], animation.durations_ms, strict=False)
    for number, (pixels, duration_ms) in enumerate(pairs):
        frame = Frame(_bgr(pixels), (pixels.shape[1], pixels.shape[0]), number, shown_ms / 1000)
        frames.append(downscale(frame, max_side))
        shown_ms += int(duration_ms)
    problem = None
    if len(animation.frames) > max_frames:
        problem = f"{path}: read only the first {max_frames} frames; more exceed the memory limit"
    return MediaContent(frames, problem)


def _bgr(pixels: npt.NDArray[np.generic]) -> Image:
    """Convert an animation frame of OpenCV to 8-bit BGR."""
    if pixels.dtype == np.uint16:
        pixels = pixels.astype(np.uint16) // 257
    image = cast(Image, pixels.astype(np.uint8, copy=False))
    if image.ndim == 2:
        return cast(Image, cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    return np.ascontiguousarray(image[:, :, :3])


def downscale(frame: Frame, max_side: int | None) -> Frame:
    """Downscale a frame to at most `max_side` pixels on its longer side; None keeps its size."""
    height, width = frame.image_bgr.shape[:2]
    if max_side is None or max(height, width) <= max_side:
        return frame
    scale = max_side / max(height, width)
    size_wh = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cast(Image, cv2.resize(frame.image_bgr, size_wh, interpolation=cv2.INTER_AREA))
    return Frame(small, frame.size_wh, frame.number, frame.time_s)


def _read_content(name: str) -> Bytes:
    if is_url(name):
        from emorec.media.http_address import fetch_image  # slow to import

        return fetch_image(name)
    return _read_stdin() if name == STDIN else read_bytes(Path(name))


def _read_stdin() -> Bytes:
    data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    if not data:
        raise DataError(f"{STDIN}: standard input is empty")
    if len(data) > MAX_FILE_BYTES:
        raise DataError(f"{STDIN}: the limit for images is {MAX_FILE_BYTES // 2**20} MiB")
    return np.frombuffer(data, np.uint8)
