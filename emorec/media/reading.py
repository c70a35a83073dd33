"""Opens picture sources: still and animated pictures become frames."""

import sys
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from emorec.errors import DataError
from emorec.frames import Frame
from emorec.images import MAX_FILE_BYTES, Bytes, Image, decode_bgr, read_bytes
from emorec.media.sources import STDIN, Source


def read_frames(source: Source, max_side: int | None = None) -> list[Frame]:
    """Read a picture, or all frames of an animated one.

    Args:
        source: What to read.
        max_side: Longer pictures are shrunk to this many pixels on their longer side.

    Raises:
        DataError: It cannot be read or is no picture.
    """
    if source.problem is not None:
        raise DataError(f"{source.name}: {source.problem}")
    path = Path(source.name)
    data = _read_stdin() if source.name == STDIN else read_bytes(path)
    return [shrunk(Frame.of(decode_bgr(path, data)), max_side)]


def shrunk(frame: Frame, max_side: int | None) -> Frame:
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
