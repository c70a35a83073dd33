"""Opens picture sources: still and animated pictures become frames.

The header is read first. A picture over `images.MAX_PIXELS` is refused, unless it is a JPEG that
can be decoded at a half, a quarter or an eighth. The frames of an animation together have at most
as many pixels; more are left out, and said so.
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
    check_size,
    decode_bgr,
    decode_unchecked,
    read_bytes,
)
from emorec.media.sources import STDIN, MediaSource

_REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


@dataclass(frozen=True)
class MediaContent:
    """What a source held.

    Attributes:
        frames: At least one.
        problem: What was left out.
    """

    frames: Sequence[Frame]
    problem: str | None = None


def read_frames(source: MediaSource, max_side: int | None = None) -> MediaContent:
    """Read a picture, or all frames of an animated one.

    Args:
        source: What to read.
        max_side: Longer pictures are downscale to this many pixels on their longer side.

    Raises:
        DataError: It cannot be read or is no picture.
    """
    if source.problem is not None:
        raise DataError(f"{source.name}: {source.problem}")
    path = Path(source.name)
    data = _read_stdin() if source.name == STDIN else read_bytes(path)
    header = read_header(data.data)
    if header is None:
        return MediaContent([downscale(Frame.from_image(decode_bgr(path, data)), max_side)])
    if header.animated:
        check_size(path, header.size_wh)
        animation = _animation(path, data, header, max_side)
        if len(animation.frames) > 1:
            return animation
    return MediaContent([downscale(_still(path, data, header, max_side), max_side)])


def _still(path: Path, data: Bytes, header: Header, max_side: int | None) -> Frame:
    """Decode a picture at once at a part of its size, where it is too large or need not be."""
    width, height = header.size_wh
    divisor = 1
    if header.shrinkable:
        for candidate in _REDUCED:
            too_large = width * height > MAX_PIXELS * divisor**2
            if too_large or (max_side and max(width, height) / candidate >= max_side):
                divisor = candidate
    if divisor == 1:
        return Frame.from_image(decode_bgr(path, data))
    image_bgr = decode_unchecked(path, _REDUCED[divisor], data)
    # Its EXIF orientation may have turned it; a picture so nearly square that this cannot be seen
    # is at most 7 pixels off.
    turned = image_bgr.shape[:2] != (-(-height // divisor), -(-width // divisor))
    return Frame(image_bgr, (height, width) if turned else (width, height))


def _animation(path: Path, data: Bytes, header: Header, max_side: int | None) -> MediaContent:
    """Decode the frames of an animation as they are shown; none if OpenCV sees no animation."""
    width, height = header.size_wh
    most = max(MAX_PIXELS // max(width * height, 1), 1)
    try:
        _, animation = cv2.imdecodeanimation(data.reshape(1, -1), 0, min(most + 1, 2**15))
    except (cv2.error, MemoryError) as error:
        raise DataError(f"{path}: not a readable animation ({error})") from error
    frames = []
    shown_ms = 0
    pairs = zip(animation.frames[:most], animation.durations, strict=False)
    for number, (pixels, duration_ms) in enumerate(pairs):
        frame = Frame(_bgr(pixels), (pixels.shape[1], pixels.shape[0]), number, shown_ms / 1000)
        frames.append(downscale(frame, max_side))
        shown_ms += int(duration_ms)
    left_out = len(animation.frames) > most
    problem = f"{path}: only the first {most} frames were read; more would not fit in memory"
    return MediaContent(frames, problem if left_out else None)


def _bgr(pixels: npt.NDArray[np.generic]) -> Image:
    """Turn a frame as OpenCV gives it into BGR of 8 bits."""
    if pixels.dtype == np.uint16:
        pixels = pixels.astype(np.uint16) // 257
    image = cast(Image, pixels.astype(np.uint8, copy=False))
    if image.ndim == 2:
        return cast(Image, cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    return np.ascontiguousarray(image[:, :, :3])


def downscale(frame: Frame, max_side: int | None) -> Frame:
    """Shrink a frame's pixels so that the longer side has at most `max_side`; None leaves it."""
    height, width = frame.image_bgr.shape[:2]
    if max_side is None or max(height, width) <= max_side:
        return frame
    scale = max_side / max(height, width)
    size_wh = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cast(Image, cv2.resize(frame.image_bgr, size_wh, interpolation=cv2.INTER_AREA))
    return Frame(small, frame.size_wh, frame.number, frame.time_s)


def _read_stdin() -> Bytes:
    data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    if not data:
        raise DataError(f"{STDIN}: nothing came from standard input")
    if len(data) > MAX_FILE_BYTES:
        raise DataError(f"{STDIN}: pictures up to {MAX_FILE_BYTES // 2**20} MiB are read")
    return np.frombuffer(data, np.uint8)
