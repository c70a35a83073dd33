"""Cuts faces out of pictures and brings them to a model's input: the one way for every stage."""

from typing import cast

import cv2
import numpy as np

from emorec.images import Image, to_gray
from emorec.types import Box

COLORS = ("gray", "rgb")

INTERPOLATIONS = ("area", "linear")
"""area: OpenCV's INTER_AREA where the picture shrinks, INTER_LINEAR where it grows."""


def crop_face(image: Image, box: Box, margin: float) -> Image:
    """Cut a face out, with a margin; what lies outside the picture repeats its border.

    Args:
        image: Picture, shape (height, width) or (height, width, 3), uint8.
        box: The detected face; it may cross the picture's border.
        margin: Part of the box's width and height added on each side; negative cuts in.

    Returns:
        The crop, uint8, channels as given, at least 1x1 pixels.
    """
    height, width = image.shape[:2]
    half_width, half_height = box.width * (0.5 + margin), box.height * (0.5 + margin)
    center_x, center_y = box.x + box.width / 2, box.y + box.height / 2
    left, top = round(center_x - half_width), round(center_y - half_height)
    right = max(round(center_x + half_width), left + 1)
    bottom = max(round(center_y + half_height), top + 1)
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        return image[top:bottom, left:right]
    rows = np.clip(np.arange(top, bottom), 0, height - 1)
    columns = np.clip(np.arange(left, right), 0, width - 1)
    return image[rows[:, None], columns]


def to_input(image: Image, size: int, color: str, interpolation: str) -> Image:
    """Bring a face crop to a model's input.

    Args:
        image: BGR or grey crop, uint8; any shape, it is stretched to a square.
        size: Side of the model's input in pixels.
        color: "gray" or "rgb".
        interpolation: One of `INTERPOLATIONS`.

    Returns:
        Pixels, shape (size, size, 1) for gray or (size, size, 3) in RGB order, uint8, 0..255.
    """
    if color == "gray":
        image = to_gray(image)
    elif image.ndim == 2:
        image = cast(Image, cv2.cvtColor(image, cv2.COLOR_GRAY2RGB))
    else:
        image = cast(Image, cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    height, width = image.shape[:2]
    if (height, width) != (size, size):
        shrinks = interpolation == "area" and (height > size or width > size)
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        image = cast(Image, cv2.resize(image, (size, size), interpolation=method))
    return np.ascontiguousarray(image.reshape(size, size, -1))
