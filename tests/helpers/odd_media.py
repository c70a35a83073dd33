"""Builds odd media files: damaged animations, varying frame rates, non-square pixels, and others.

What OpenCV cannot write comes from Pillow, pillow-heif or the program ffmpeg.
"""

import struct
import subprocess
import zlib
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

PNG = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def scanlines(pixels: np.ndarray) -> bytes:
    """The compressed rows of an RGB image, each with filter 0."""
    height = len(pixels)
    return zlib.compress(
        np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], 1).tobytes()
    )


def apng(frames: int = 2, side: int = 16, default_is_frame: bool = False, seed: int = 0) -> bytes:
    """An animated PNG; without `default_is_frame` its default image is no frame of it.

    OpenCV 4.14 crashes on many of the second kind when a few of their bytes change.
    """
    generator = np.random.default_rng(seed)
    # Flat images compress to little, so that damage hits the structure of the file.
    colors = generator.integers(0, 256, (frames + 1, 1, 1, 3), np.uint8)
    images = np.broadcast_to(colors, (frames + 1, side, side, 3))
    parts = [PNG, chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))]
    parts.append(chunk(b"acTL", struct.pack(">II", frames, 0)))
    number = 0

    def control() -> bytes:
        nonlocal number
        number += 1
        fields = (number - 1, side, side, 0, 0, 1, 10, 0, 0)
        return chunk(b"fcTL", struct.pack(">IIIIIHHBB", *fields))

    first = 0
    if default_is_frame:
        parts.append(control())
        first = 1
    parts.append(chunk(b"IDAT", scanlines(images[0])))
    for image in images[1 + first :]:
        parts.append(control())
        parts.append(chunk(b"fdAT", struct.pack(">I", number) + scanlines(image)))
        number += 1
    return b"".join([*parts, chunk(b"IEND", b"")])


def damaged(data: bytes, seed: int, first: int = 8) -> bytes:
    """Change 1 to 5 bytes; every second time the checksums of PNG chunks are made right again."""
    generator = np.random.default_rng(seed)
    changed = bytearray(data)
    for _ in range(generator.integers(1, 6)):
        changed[generator.integers(first, len(changed))] = generator.integers(0, 256)
    return with_checksums(bytes(changed)) if seed % 2 and data.startswith(PNG) else bytes(changed)


def with_checksums(data: bytes) -> bytes:
    """A PNG file with the right checksum in every chunk that lies inside the file."""
    changed, at = bytearray(data), len(PNG)
    while at + 12 <= len(changed):
        end = at + 8 + int.from_bytes(changed[at : at + 4], "big")
        if end + 4 > len(changed):
            break
        changed[end : end + 4] = struct.pack(">I", zlib.crc32(changed[at + 4 : end]))
        at = end + 4
    return bytes(changed)


def ffmpeg(*arguments: str | Path) -> None:
    """Run ffmpeg; a failure shows its messages."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def write_frames(folder: Path, frames: Iterable[np.ndarray]) -> Path:
    """Write frames as numbered PNG files; returns the pattern that ffmpeg reads them by."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames):
        assert cv2.imwrite(str(folder / f"{number:04}.png"), frame)
    return folder / "%04d.png"


def varying_rate(target: Path, frames: Iterable[np.ndarray]) -> Path:
    """A WebM or Matroska file: ten frames in 0.4 s, a gap of 5 s, the others at 25 frames/s."""
    pattern = write_frames(target.with_suffix(""), frames)
    times = "setpts='if(lt(N,10),N,N+125)/25/TB'"
    ffmpeg("-framerate", "25", "-i", pattern, "-vf", times, "-fps_mode", "vfr", target)
    return target


def non_square(target: Path, frames: Iterable[np.ndarray], ratio: str) -> Path:
    """A video whose pixels have an aspect ratio such as "4/3"; its frames are squeezed to it."""
    pattern = write_frames(target.with_suffix(""), frames)
    change = f"scale=trunc(iw/({ratio})/2)*2:ih,setsar={ratio}"
    ffmpeg("-framerate", "25", "-i", pattern, "-vf", change, "-pix_fmt", "yuv420p", target)
    return target


def cover_first(target: Path, cover: np.ndarray, frames: Iterable[np.ndarray]) -> Path:
    """A Matroska file whose first video stream is a cover picture of one frame."""
    pattern = write_frames(target.with_suffix(""), frames)
    image = target.with_suffix(".jpg")
    assert cv2.imwrite(str(image), cover)
    inputs = ["-i", image, "-framerate", "25", "-i", pattern]
    ffmpeg(*inputs, "-map", "0:v", "-map", "1:v", "-c:v:0", "copy", "-c:v:1", "mpeg4", target)
    return target
