"""FER-2013 faces in larger images, as a detector finds them, for the benchmarks."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from emorec.detection.base import FaceDetector
from emorec.images import Image, read_gray
from emorec.types import Box, Face

FACE = 96
"""Side of the upscaled face in its image, in pixels."""

PAD = FACE // 2
FRAME = Box(PAD, PAD, FACE, FACE)
MIN_IOU = 0.4
"""Minimum IoU of a box with the face's frame for the face to count as detected."""


def padded_image(path: Path) -> Image:
    """Read a face image, upscale it and pad it by its border; grey, shape (192, 192)."""
    face = cv2.resize(read_gray(path), (FACE, FACE), interpolation=cv2.INTER_CUBIC)
    return pixels(cv2.copyMakeBorder(face, PAD, PAD, PAD, PAD, cv2.BORDER_REPLICATE))


def best_face(detector: FaceDetector, image: Image, frame: Box) -> Face | None:
    """Return the detected face that overlaps a frame most; None if none overlaps it enough."""
    found = detector.detect(pixels(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)))
    best = max(found, key=lambda face: frame.iou(face.box), default=None)
    return best if best is not None and best.box.iou(frame) >= MIN_IOU else None


def best_box(detector: FaceDetector, image: Image, scale: float = 1.0) -> Box | None:
    """Return the detected box of the face, or None; `scale` is the size of the image."""
    frame = Box(*(round(value * scale) for value in (PAD, PAD, FACE, FACE)))
    face = best_face(detector, image, frame)
    return None if face is None else face.box


def rotated(angle: float, image: Image, random: np.random.Generator) -> Image:
    """Rotate an image about its centre, by the angle in degrees with a random sign."""
    center = (image.shape[1] / 2, image.shape[0] / 2)
    turn = cv2.getRotationMatrix2D(center, angle * random.choice((-1, 1)), 1)
    size_wh = (image.shape[1], image.shape[0])
    return pixels(cv2.warpAffine(image, turn, size_wh, borderMode=cv2.BORDER_REPLICATE))


def pixels(image: npt.ArrayLike | None) -> Image:
    """Convert to uint8; also narrows the type of what OpenCV returns."""
    return np.asarray(image, np.uint8)
