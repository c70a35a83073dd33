"""Maps the heat of a face crop to the pixels of the image, rotated as the crop is."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
"""Affine, shape (2, 3)."""

_TILE = 2**14
"""Side of the parts that are mapped one by one; OpenCV maps fewer than 2^15 pixels a side."""


@dataclass(frozen=True)
class MappedHeat:
    """Heat in a rectangle of an image.

    Attributes:
        left: Left edge of the rectangle, in pixels of the image.
        top: Top edge.
        values: Heat of its pixels, shape (height, width), float32.
        inside: Whether the crop covers a pixel; the values of others mean nothing.
    """

    left: int
    top: int
    values: npt.NDArray[np.float32]
    inside: npt.NDArray[np.bool_]

    @property
    def place(self) -> tuple[slice, slice]:
        """The rows and columns of the image."""
        height, width = self.values.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def corners(size: int, to_image: Matrix) -> Matrix:
    """Return the corners of a square of heat in the image, shape (4, 2), clockwise from top left.

    Args:
        size: Side of the square.
        to_image: From points of the square to points of the image.
    """
    square = np.array([(0, 0), (size, 0), (size, size), (0, size)], np.float64)
    return np.asarray(square @ to_image[:, :2].T + to_image[:, 2])


def map_heat(
    heat: npt.NDArray[np.float32], to_image: Matrix, size_wh: tuple[int, int]
) -> MappedHeat:
    """Map heat to the pixels of an image, interpolated linearly.

    Args:
        heat: Shape (size, size).
        to_image: From points of `heat` to points of the image; top left corners are (0, 0).
        size_wh: Width and height of the image.

    Returns:
        The part of the image that the heat covers; it is empty if that lies outside.
    """
    found = corners(heat.shape[0], to_image)
    (left, top), (right, bottom) = (
        [min(max(rounded(value), 0), most) for value, most in zip(edge, size_wh, strict=True)]
        for rounded, edge in ((math.floor, found.min(axis=0)), (math.ceil, found.max(axis=0)))
    )
    values = np.zeros((bottom - top, right - left), np.float32)
    inside = np.zeros(values.shape, bool)
    for row in range(0, values.shape[0], _TILE):
        for column in range(0, values.shape[1], _TILE):
            tile = (slice(row, row + _TILE), slice(column, column + _TILE))
            height, width = values[tile].shape
            # From the centre of a pixel of the tile to the centre of a pixel of the heat.
            matrix = np.asarray(cv2.invertAffineTransform(to_image), np.float64)
            start = (left + column + 0.5, top + row + 0.5)
            matrix[:, 2] += matrix[:, :2] @ start - 0.5
            options = cv2.WARP_INVERSE_MAP
            values[tile] = cv2.warpAffine(
                heat,
                matrix,
                (width, height),
                flags=cv2.INTER_LINEAR | options,
                borderMode=cv2.BORDER_REPLICATE,
            )
            inside[tile] = cv2.warpAffine(
                np.ones(heat.shape, np.uint8),
                matrix,
                (width, height),
                flags=cv2.INTER_NEAREST | options,
                borderMode=cv2.BORDER_CONSTANT,
            )
    return MappedHeat(left, top, values, inside)
