"""Preprocessing of faces for the model: cropping and scaling, the same in all stages."""

from typing import cast

import cv2
import numpy as np

from emorec.images import Image, to_gray
from emorec.types import Box

COLORS = ("gray", "rgb")

INTERPOLATIONS = ("area", "linear")
"""area: OpenCV's INTER_AREA for downscaling, INTER_LINEAR for upscaling."""


def crop_face(image: Image, box: Box, margin: float) -> Image:
    """Crop a face with a margin; outside the image the border pixels are repeated.

    Args:
        image: Grey or colour image, shape (height, width) or (height, width, 3), uint8.
        box: The detected face in pixels of `image`; it may cross the border.
        margin: Fraction of the box's width and height added on each side; negative to crop
            inside the box.

    Returns:
        The crop, uint8, with the channels of `image`, at least 1x1 pixels.
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
    """Convert a face crop to the input of a model.

    Args:
        image: BGR or grey crop, uint8, of any size; it is stretched to a square.
        size: Side of the model input in pixels.
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
