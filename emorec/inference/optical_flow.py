"""Propagates boxes from one frame to the next by the optical flow of their content."""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import cv2
import numpy as np

from emorec.frames import Frame
from emorec.images import Image, to_gray
from emorec.types import Box

_SIDE = 640
"""Longer side of the images in which the flow is computed, in pixels."""

_GRID = 6
"""Points across and down a box."""
_INNER = 0.6
"""Fraction of a box's width and height that the grid covers: its corners hold background."""
_WINDOW = (15, 15)
_LEVELS = 2
_MIN_TRACKED = 0.5
"""Fraction of the points of a box that must be tracked."""


def small_gray(frame: Frame) -> Image:
    """Downscale a frame for `propagate`: shape (height, width), uint8, sides up to `_SIDE`."""
    image = to_gray(frame.image_bgr)
    height, width = image.shape
    scale = _SIDE / max(height, width)
    if scale >= 1:
        return image
    size_wh = (max(round(width * scale), 1), max(round(height * scale), 1))
    return cast(Image, cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA))


def propagate(
    previous_gray: Image, next_gray: Image, size_wh: tuple[int, int], boxes: Mapping[int, Box]
) -> dict[int, Box]:
    """Move boxes with the optical flow of their content.

    A box moves by the median motion of a grid of points, tracked by the pyramidal method of Lucas
    and Kanade (Bouguet, Pyramidal Implementation of the Lucas Kanade Feature Tracker, 2000).

    Args:
        previous_gray: The previous frame, from `small_gray`.
        next_gray: The next frame, likewise.
        size_wh: Width and height of the full frame in pixels, the units of the boxes.
        boxes: By id.

    Returns:
        The boxes in the next frame by id, without those that could not be tracked.
    """
    if previous_gray.shape != next_gray.shape or not boxes:
        return {}
    scale = previous_gray.shape[1] / size_wh[0], previous_gray.shape[0] / size_wh[1]
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
    moved, status, _ = cv2.calcOpticalFlowPyrLK(
        previous_gray,
        next_gray,
        points[:, None],
        cast(Image, None),
        winSize=_WINDOW,
        maxLevel=_LEVELS,
    )
    moves = (moved[:, 0] - points).reshape(len(boxes), -1, 2)
    tracked = status.reshape(len(boxes), -1) == 1
    propagated = {}
    for (id_, box), move, kept in zip(boxes.items(), moves, tracked, strict=True):
        if kept.mean() >= _MIN_TRACKED:
            right, low = np.median(move[kept], axis=0) / scale
            propagated[id_] = replace(box, x=round(box.x + right), y=round(box.y + low))
    return propagated
