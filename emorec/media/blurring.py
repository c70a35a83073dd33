"""Blurring of faces, so that images and videos can be shown without showing who is in them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import cv2

from emorec.errors import ConfigError
from emorec.frames import Frame
from emorec.images import Image
from emorec.suggestions import unknown_name
from emorec.types import BLURS, Box

MARGIN = 0.3
"""Added on each side, as a fraction of the box's width and height.

Boxes reach from above the eyebrows to below the lower lip; this adds forehead, chin and ears.
"""

_CELLS = 8
"""Cells of a pixelated region on its longer side: five across the face."""
_MIN_CELL = 4
"""Smallest side of a cell in pixels, for small faces."""

_SMALL_SIDE = 32
"""Longer side to which a region is downscaled before the Gaussian blur; nothing finer remains."""
_SIGMA = 1 / 8
"""Standard deviation of the Gaussian relative to the longer side of the region."""


def blur_faces(image_bgr: Image, boxes: Sequence[Box], method: str = "pixelate") -> Image:
    """Blur rectangles around faces.

    The strength is relative to the size of each face: of a large face no more remains than of a
    small one. Pixels outside the boxes and their `MARGIN` do not change.

    Args:
        image_bgr: Image, shape (height, width, 3), uint8, BGR; not modified.
        boxes: The faces in pixels of the image; they may cross its border.
        method: "pixelate" leaves eight cells across the region of a face, "gaussian" applies a
            Gaussian blur, "box" fills the region with black.

    Returns:
        A new image of the same shape.

    Raises:
        ConfigError: The method is unknown.
    """
    blur = _METHODS[check_method(method)]
    blurred = image_bgr.copy()
    height, width = image_bgr.shape[:2]
    for box in boxes:
        across, down = math.ceil(box.width * MARGIN), math.ceil(box.height * MARGIN)
        top, bottom = max(box.y - down, 0), min(box.y + box.height + down, height)
        left, right = max(box.x - across, 0), min(box.x + box.width + across, width)
        if top < bottom and left < right:
            side = max(box.width + 2 * across, box.height + 2 * down)
            region = blurred[top:bottom, left:right]
            region[:] = blur(region, side)
    return blurred


def blur_frame(frame: Frame, boxes: Sequence[Box], method: str) -> Frame:
    """Return a frame in which faces are blurred; see `blur_faces`.

    Args:
        frame: Not modified.
        boxes: The faces in pixels of the full image.
        method: As for `blur_faces`.
    """
    scaled = [frame.to_scaled_box(box) for box in boxes]
    return replace(frame, image_bgr=blur_faces(frame.image_bgr, scaled, method))


def check_method(method: str) -> str:
    """Return the name of a method of `blur_faces`, if it is known.

    Raises:
        ConfigError: It is unknown.
    """
    if method not in _METHODS:
        raise ConfigError(unknown_name("blur", method, _METHODS))
    return method


def _pixelate(region: Image, side: int) -> Image:
    height, width = region.shape[:2]
    cell = max(math.ceil(side / _CELLS), _MIN_CELL)
    cells_wh = (math.ceil(width / cell), math.ceil(height / cell))
    small = cv2.resize(region, cells_wh, interpolation=cv2.INTER_AREA)
    return cast(Image, cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST))


def _gaussian(region: Image, side: int) -> Image:
    height, width = region.shape[:2]
    scale = min(_SMALL_SIDE / side, 1)
    small_wh = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cv2.resize(region, small_wh, interpolation=cv2.INTER_AREA)
    sigma = max(_SIGMA * side * scale, 1)
    small = cv2.GaussianBlur(small, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return cast(Image, cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def _fill(region: Image, side: int) -> int:
    return 0


_METHODS: dict[str, Callable[[Image, int], Image | int]] = dict(
    zip(BLURS, (_pixelate, _gaussian, _fill), strict=True)
)
