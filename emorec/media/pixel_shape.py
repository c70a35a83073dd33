"""PixelShape: scales the frames of a video with non-square pixels to the display aspect ratio."""

from dataclasses import dataclass
from typing import Self, cast

import cv2

from emorec.images import Image

_SQUARE = 0.02
"""Largest deviation from 1 that counts as square: codecs round sizes, and it is invisible."""

_MAX_RATIO = 8.0
"""More than any display has; such a ratio is an error of the file."""


@dataclass(frozen=True)
class PixelShape:
    """Width of a pixel divided by its height, in the upright frame.

    Attributes:
        ratio: 1 for square pixels.
    """

    ratio: float = 1.0

    @classmethod
    def of(cls, capture: cv2.VideoCapture) -> Self:
        """Read the shape from an open video, whose frames OpenCV rotates upright."""
        width, height = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
        ratio = width / height if width > 0 and height > 0 else 1.0
        if abs(ratio - 1) <= _SQUARE or not 1 / _MAX_RATIO <= ratio <= _MAX_RATIO:
            return cls()
        # The ratio is that of the stored frame, before its rotation.
        turned = capture.get(cv2.CAP_PROP_ORIENTATION_META) % 180 == 90
        return cls(1 / ratio if turned else ratio)

    @property
    def scaled(self) -> bool:
        """Whether frames are scaled."""
        return self.ratio != 1

    def displayed(self, width: int, height: int) -> tuple[int, int]:
        """Return the displayed size of a stored one; one side is lengthened, no detail is lost."""
        if self.ratio >= 1:
            return round(width * self.ratio), height
        return width, round(height / self.ratio)

    def scale(self, image: Image, buffer: Image | None = None) -> Image:
        """Scale a frame to its displayed size.

        Args:
            image: Frame, shape (height, width, 3).
            buffer: Array for the result, used if it has the displayed shape.
        """
        if not self.scaled:
            return image
        size_wh = self.displayed(image.shape[1], image.shape[0])
        return cast(Image, cv2.resize(image, size_wh, dst=buffer, interpolation=cv2.INTER_LINEAR))
