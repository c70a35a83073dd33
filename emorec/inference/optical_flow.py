"""Carries boxes from one frame to the next by the optical flow of what they hold."""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import cv2
import numpy as np

from emorec.frames import Frame
from emorec.images import Image, to_gray
from emorec.types import Box

_SIDE = 640
"""Longer side of the copies in which the flow is sought."""

_GRID = 6
_INNER = 0.6
"""Part of a box's width and height that the grid covers: the corners hold the background."""
_WINDOW = (15, 15)
_LEVELS = 2
_LEAST = 0.5
"""Part of the points that must be found again."""


def small_gray(frame: Frame) -> Image:
    """Shrink a frame for `propagate`; shape (height, width), uint8, at most `_SIDE` on a side."""
    image = to_gray(frame.image_bgr)
    height, width = image.shape
    scale = _SIDE / max(height, width)
    if scale >= 1:
        return image
    size_wh = (max(round(width * scale), 1), max(round(height * scale), 1))
    return cast(Image, cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA))


def propagate(
    before: Image, after: Image, size_wh: tuple[int, int], boxes: Mapping[int, Box]
) -> dict[int, Box]:
    """Move boxes as what they hold moved.

    The move is the median of a grid of points, by Lucas and Kanade's method in pyramids (Bouguet,
    Pyramidal Implementation of the Lucas Kanade Feature Tracker, 2000).

    Args:
        before: The last frame, from `small_gray`.
        after: The next frame, likewise.
        size_wh: Width and height of the full frame, in whose pixels the boxes are.
        boxes: By id.

    Returns:
        The boxes in the next frame, without those that could not be followed.
    """
    if before.shape != after.shape or not boxes:
        return {}
    scale = before.shape[1] / size_wh[0], before.shape[0] / size_wh[1]
    steps = np.linspace(-0.5, 0.5, _GRID) * _INNER
    across, down = np.meshgrid(steps, steps)
    points = np.concatenate(
        [
            np.stack(
                [
                    (box.x + box.width * (0.5 + across)) * scale[0],
                    (box.y + box.height * (0.5 + down)) * scale[1],
                ],
                axis=-1,
            ).reshape(-1, 2)
            for box in boxes.values()
        ]
    ).astype(np.float32)
    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points[:, None], cast(Image, None), winSize=_WINDOW, maxLevel=_LEVELS
    )
    moves = (moved[:, 0] - points).reshape(len(boxes), -1, 2)
    followed = found.reshape(len(boxes), -1) == 1
    places = {}
    for (id_, box), move, kept in zip(boxes.items(), moves, followed, strict=True):
        if kept.mean() >= _LEAST:
            right, low = np.median(move[kept], axis=0) / scale
            places[id_] = replace(box, x=round(box.x + right), y=round(box.y + low))
    return places
