"""Preprocessing of faces for the model: cropping and scaling, the same in all stages."""

import math
from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from emorec.images import Image, to_gray
from emorec.types import Box, Landmarks

MIN_TILT = 10.0
"""Tilt in degrees up to which a crop is not rotated; see `crop_face`."""

COLORS = ("gray", "rgb")

_MAX_ROTATED = 2**15 - 1

INTERPOLATIONS = ("area", "linear")
"""area: OpenCV's INTER_AREA for downscaling, INTER_LINEAR for upscaling."""


@dataclass(frozen=True)
class CropRegion:
    """The rectangle of an image that the crop of a face shows; see `crop_face`.

    Attributes:
        left: Left edge before the rotation, in pixels of the image; negative outside it.
        top: Top edge, as `left`.
        width: Width, at least 1 pixel; that of the crop too.
        height: Height, as `width`.
        degrees: Clockwise rotation about the centre of the rectangle.
    """

    left: int
    top: int
    width: int
    height: int
    degrees: float = 0.0

    @property
    def to_image(self) -> npt.NDArray[np.float64]:
        """Affine matrix, shape (2, 3), from points of the crop to points of the image.

        The points are in pixels; the top left corners of crop and image are (0, 0).
        """
        cos, sin = math.cos(math.radians(self.degrees)), math.sin(math.radians(self.degrees))
        across, down = self.width / 2, self.height / 2
        return np.array(
            [
                [cos, -sin, self.left + across - cos * across + sin * down],
                [sin, cos, self.top + down - sin * across - cos * down],
            ]
        )

    def crop(self, image: Image) -> Image:
        """Cut the rectangle out of an image; see `crop_face`."""
        if self.degrees:
            return self._rotated(image)
        height, width = image.shape[:2]
        right, bottom = self.left + self.width, self.top + self.height
        if self.left >= 0 and self.top >= 0 and right <= width and bottom <= height:
            return image[self.top : bottom, self.left : right]
        rows = np.clip(np.arange(self.top, bottom), 0, height - 1)
        columns = np.clip(np.arange(self.left, right), 0, width - 1)
        return image[rows[:, None], columns]

    def _rotated(self, image: Image) -> Image:
        """Cut the rotated rectangle, by bilinear interpolation."""
        # Only this part is passed on: OpenCV refuses to rotate images of `_MAX_ROTATED` pixels.
        rows, columns = _surroundings(self, (image.shape[1], image.shape[0]))
        part = image[rows[0] : rows[1], columns[0] : columns[1]]
        # From the centre of a pixel of the crop to the centre of a pixel of the part.
        to_part = self.to_image
        to_part[:, 2] += to_part[:, :2] @ (0.5, 0.5) - 0.5 - (columns[0], rows[0])
        rotated = cv2.warpAffine(
            part,
            to_part,
            (self.width, self.height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return cast(Image, rotated)


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
    size_wh = (image.shape[1], image.shape[0])
    return crop_region(size_wh, box, margin, landmarks, min_tilt).crop(image)


def crop_region(
    size_wh: tuple[int, int],
    box: Box,
    margin: float,
    landmarks: Landmarks | None = None,
    min_tilt: float = MIN_TILT,
) -> CropRegion:
    """Return the rectangle that `crop_face` cuts out of an image of a size; arguments as there.

    It is not rotated if OpenCV cannot rotate an image of this size.
    """
    half_width, half_height = box.width * (0.5 + margin), box.height * (0.5 + margin)
    center_x, center_y = box.x + box.width / 2, box.y + box.height / 2
    left, top = round(center_x - half_width), round(center_y - half_height)
    right = max(round(center_x + half_width), left + 1)
    bottom = max(round(center_y + half_height), top + 1)
    region = CropRegion(left, top, right - left, bottom - top)
    tilt = 0.0 if landmarks is None else landmarks.tilt
    if math.isnan(tilt) or abs(tilt) <= min_tilt:
        return region
    ranges = _surroundings(region, size_wh)
    longest = max(*(end - start for start, end in ranges), region.width, region.height)
    return region if longest >= _MAX_ROTATED else replace(region, degrees=tilt)


def _surroundings(
    region: CropRegion, size_wh: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the rows and the columns of an image that a region may need in any rotation."""
    center_x, center_y = region.left + region.width / 2, region.top + region.height / 2
    reach = math.ceil(math.hypot(region.width, region.height) / 2) + 1
    return (
        _clipped(center_y - reach, center_y + reach, size_wh[1]),
        _clipped(center_x - reach, center_x + reach, size_wh[0]),
    )


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
