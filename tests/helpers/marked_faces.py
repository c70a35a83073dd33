"""Images in which faces are drawn as squares of one colour, and a detector that finds these."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from emorec.types import Box, Face

MARK_BGR = (0, 255, 0)


class MarkDetector:
    """Finds the squares of `draw_marks`; counts the images that it has searched."""

    def __init__(self) -> None:
        self.searched = 0

    def detect(self, image_bgr):
        self.searched += 1
        mask = (image_bgr == np.array(MARK_BGR, np.uint8)).all(axis=2).astype(np.uint8)
        stats = cv2.connectedComponentsWithStats(mask)[2][1:]
        faces = [Face(Box(*map(int, row[:4])), "yunet", 1.0) for row in stats]
        return sorted(faces, key=lambda face: (face.box.x, face.box.y))


def draw_marks(path: Path, size_wh: tuple[int, int], boxes: Sequence[Box], seed: int = 0) -> Path:
    """Write a PNG of noise with a square for each face; no two images of a seed are equal."""
    width, height = size_wh
    image = np.random.default_rng(seed).integers(0, 200, (height, width, 3), np.uint8)
    for box in boxes:
        image[box.y : box.y + box.height, box.x : box.x + box.width] = MARK_BGR
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)
    return path
