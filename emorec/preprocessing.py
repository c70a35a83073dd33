"""Preprocessing of faces for the model: cropping and scaling, the same in all stages."""

import math
from typing import cast

import cv2
import numpy as np

from emorec.images import Image, to_gray
from emorec.types import Box, Landmarks

MIN_TILT = 10.0
"""Tilt in degrees up to which a crop is not rotated; see `crop_face`."""

COLORS = ("gray", "rgb")

_MAX_ROTATED = 2**15 - 1

INTERPOLATIONS = ("area", "linear")
"""area: OpenCV's INTER_AREA for downscaling, INTER_LINEAR for upscaling."""


def crop_face(
    image: Image,
    box: Box,
    margin: float,
    landmarks: Landmarks | None = None,
    min_tilt: float = MIN_TILT,
) -> Image:
    """Crop a face with a margin; outside the image the border pixels are repeated.

    With landmarks the crop is aligned: if the line through the eyes deviates from the horizontal by
    more than `min_tilt` degrees, the crop is the same rectangle, rotated about the centre of the
    box so that the eyes are level in it, with the right eye on the left side.

    Args:
        image: Grey or colour image, shape (height, width) or (height, width, 3), uint8.
        box: The detected face in pixels of `image`; it may cross the border.
        margin: Fraction of the box's width and height added on each side; negative to crop
            inside the box.
        landmarks: Points of the face in pixels of `image`; None for a crop that is not rotated.
        min_tilt: Tilt in degrees up to which a crop is not rotated.

    Returns:
        The crop, uint8, with the channels of `image`, at least 1x1 pixels.
    """
    height, width = image.shape[:2]
    half_width, half_height = box.width * (0.5 + margin), box.height * (0.5 + margin)
    center_x, center_y = box.x + box.width / 2, box.y + box.height / 2
    left, top = round(center_x - half_width), round(center_y - half_height)
    right = max(round(center_x + half_width), left + 1)
    bottom = max(round(center_y + half_height), top + 1)
    if landmarks is not None and abs(landmarks.tilt) > min_tilt:
        rotated = _rotated_crop(image, (left, top, right, bottom), landmarks.tilt)
        if rotated is not None:
            return rotated
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        return image[top:bottom, left:right]
    rows = np.clip(np.arange(top, bottom), 0, height - 1)
    columns = np.clip(np.arange(left, right), 0, width - 1)
    return image[rows[:, None], columns]


def _rotated_crop(image: Image, edges: tuple[int, int, int, int], degrees: float) -> Image | None:
    """Crop a rectangle that is rotated clockwise about its centre, by bilinear interpolation.

    Args:
        image: As for `crop_face`.
        edges: Left, top, right and bottom edge of the rectangle before its rotation.
        degrees: The rotation.

    Returns:
        The crop, with the size of the rectangle; None if OpenCV cannot rotate one of this size.
    """
    left, top, right, bottom = edges
    width, height = right - left, bottom - top
    center_x, center_y = (left + right) / 2, (top + bottom) / 2
    # Only this part is passed on: OpenCV refuses to rotate images of `_MAX_ROTATED` pixels a side.
    reach = math.ceil(math.hypot(width, height) / 2) + 1
    first_row, last_row = _clipped(center_y - reach, center_y + reach, image.shape[0])
    first_column, last_column = _clipped(center_x - reach, center_x + reach, image.shape[1])
    part = image[first_row:last_row, first_column:last_column]
    if max(*part.shape[:2], width, height) >= _MAX_ROTATED:
        return None
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    # From the centre of a pixel of the crop to the centre of a pixel of the part.
    across, down = width / 2 - 0.5, height / 2 - 0.5
    to_part = np.array(
        [
            [cos, -sin, center_x - 0.5 - first_column - cos * across + sin * down],
            [sin, cos, center_y - 0.5 - first_row - sin * across - cos * down],
        ]
    )
    rotated = cv2.warpAffine(
        part,
        to_part,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return cast(Image, rotated)


def _clipped(first: float, last: float, length: int) -> tuple[int, int]:
    """Clip a range of pixels to an image; at least one pixel remains."""
    start = min(max(math.floor(first), 0), length - 1)
    return start, min(max(math.ceil(last), start + 1), length)


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
