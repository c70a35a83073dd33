"""Short videos of moving faces, made of the image in examples/."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Placed:
    """A face in a frame: its centre, at most one side length outside, and its side length."""

    x: float
    y: float
    side: int = 110


@cache
def cut_out() -> tuple[np.ndarray, np.ndarray]:
    """Return a face with hair and neck, and the opacity of each pixel, 0 to 1."""
    face = cv2.imread(str(ROOT / "examples" / "astronaut.jpg"))[31:197, 141:307]
    mask = np.zeros(face.shape[:2], np.uint8)
    cv2.ellipse(mask, (83, 83), (65, 80), 0, 0, 360, 255, -1)
    return face, mask / 255


def draw(faces: Sequence[Placed], size_wh: tuple[int, int] = (480, 270)) -> np.ndarray:
    """Draw faces on a grey background, the last one in front; they may cross the border."""
    width, height = size_wh
    pad = 2 * max((place.side for place in faces), default=0)
    row = np.linspace(60, 140, width).astype(np.float32)
    image = np.tile(np.pad(row, pad, "edge")[:, None], (height + 2 * pad, 1, 3))
    for place in faces:
        pixels, opacity = (
            cv2.resize(part, (place.side, place.side), interpolation=cv2.INTER_AREA)
            for part in cut_out()
        )
        left = round(place.x - place.side / 2) + pad
        top = round(place.y - place.side / 2) + pad
        under = image[top : top + place.side, left : left + place.side]
        under += (pixels - under) * opacity[..., None]
    return image[pad : pad + height, pad : pad + width].round().astype(np.uint8)


def crossing(frames: int = 61) -> Iterator[list[Placed]]:
    """Yield two faces that pass each other in the middle, the one from the left in front."""
    for number in range(frames):
        way = 360 * number / (frames - 1)
        yield [Placed(420 - way, 125), Placed(60 + way, 145)]


def write_clip(path: Path, images: Iterable[np.ndarray], fps: float = 30) -> Path:
    """Write images as a video with OpenCV."""
    writer = None
    code = "MJPG" if path.suffix == ".avi" else "mp4v"
    for image in images:
        if writer is None:
            size_wh = (image.shape[1], image.shape[0])
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), fps, size_wh)
            assert writer.isOpened()
        writer.write(image)
    assert writer is not None
    writer.release()
    return path
