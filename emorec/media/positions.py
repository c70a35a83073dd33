"""Positions of a label or panel at a face: it touches the face and slides along one of its sides.

Its centre stays beside the face, and it never leaves the image. All in whole pixels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emorec.types import Box

Size = tuple[int, int]
"""Width and height in pixels, at least 1."""

_Interval = tuple[int, int]
"""Begin and end, exclusive, in pixels."""

OUTSIDE = ("above", "below", "right", "left")
"""Sides of a face; positions there do not hide it."""
INSIDE = ("inside top", "inside bottom")


@dataclass(frozen=True)
class Place:
    """Where a label or panel is drawn.

    Attributes:
        box: Its rectangle, inside the image.
        side: Side of the face; the next frame of a video prefers it.
        size: Index of the chosen size, of those offered.
    """

    box: Box
    side: str
    size: int = 0


def overlap(one: Box, other: Box) -> bool:
    """Check whether two boxes share a pixel."""
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def enclosing(one: Box, other: Box) -> Box:
    """Return the smallest box around two boxes."""
    x, y = min(one.x, other.x), min(one.y, other.y)
    right = max(one.x + one.width, other.x + other.width)
    bottom = max(one.y + one.height, other.y + other.height)
    return Box(x, y, right - x, bottom - y)


def free_place(
    image_size: Size, face: Box, size: Size, sides: Sequence[str], obstacles: Sequence[Box]
) -> Place | None:
    """Find a place that hides no obstacle.

    Args:
        image_size: Width and height of the image.
        face: Rectangle that the place touches, which may cross the border of the image.
        size: Width and height of the place.
        sides: Sides of the face, the preferred one first.
        obstacles: What must not be hidden.

    Returns:
        On the first side with a free place the one nearest to its beginning, or None.
    """
    for slide in _slides(image_size, face, size, sides):
        start = _nearest_free(slide, obstacles)
        if start is not None:
            return Place(slide.position(start), slide.side)
    return None


def least_hiding_place(
    image_size: Size,
    face: Box,
    size: Size,
    sides: Sequence[str],
    tiers: Sequence[Sequence[Box]],
) -> Place:
    """Find the place that hides as little as possible.

    Args:
        image_size: As for `free_place`.
        face: As for `free_place`.
        size: Width and height of the place, at most those of the image.
        sides: As for `free_place`, with one of `INSIDE`, where there always is a place.
        tiers: Obstacles, the most important ones first.

    Returns:
        The place that hides the least of the first tier, of these the least of the second, and so
        on; the first one on equal terms.
    """
    found = [
        Place(slide.position(start), slide.side)
        for slide in _slides(image_size, face, size, sides)
        for start in slide.starts([box for tier in tiers for box in tier])
    ]
    positions = _corners([place.box for place in found])
    hidden = [_shared_areas(positions, _corners(tier)) for tier in tiers]
    # The last key counts most; of equal ones, lexsort keeps the first.
    return found[int(np.lexsort(hidden[::-1])[0])]


def _visible(box: Box, image_size: Size) -> Box:
    """Clip a box to the image; a box outside becomes a point or line on the image's border."""
    width, height = image_size
    x, y = min(max(box.x, 0), width), min(max(box.y, 0), height)
    right = min(max(box.x + box.width, x), width)
    bottom = min(max(box.y + box.height, y), height)
    return Box(x, y, right - x, bottom - y)


@dataclass(frozen=True)
class _Slide:
    """The positions of a rectangle along one side of a face, inside the image.

    Attributes:
        side: The side.
        vertical: Whether the rectangle moves along y.
        size: Width and height of the rectangle.
        across: Its x if it moves along y, else its y.
        least: Least y or x.
        most: Greatest y or x.
        preferred: Where the rectangle begins with the side, or as near to that as it can.
    """

    side: str
    vertical: bool
    size: Size
    across: int
    least: int
    most: int
    preferred: int

    def position(self, start: int) -> Box:
        """Return the rectangle that begins there."""
        x, y = (self.across, start) if self.vertical else (start, self.across)
        return Box(x, y, *self.size)

    def blocked(self, obstacles: Sequence[Box]) -> list[_Interval]:
        """Return the intervals of starts, exclusive, at which obstacles are hidden."""
        width, height = self.size
        at = self.across
        if self.vertical:
            return [
                (box.y - height, box.y + box.height)
                for box in obstacles
                if box.x < at + width and at < box.x + box.width
            ]
        return [
            (box.x - width, box.x + box.width)
            for box in obstacles
            if box.y < at + height and at < box.y + box.height
        ]

    def starts(self, obstacles: Sequence[Box]) -> list[int]:
        """Return starts among which is the one that hides the least, the preferred one first.

        The hidden area is linear between these: there an obstacle begins or ends to be hidden, or
        is as far inside as it can be.
        """
        length = self.size[1] if self.vertical else self.size[0]
        bends = {
            start
            for low, high in self.blocked(obstacles)
            for start in (low, low + length, high - length, high)
        }
        inside = {start for start in bends if self.least < start < self.most}
        found = {self.preferred, self.least, self.most, *inside}
        return sorted(found, key=lambda start: abs(start - self.preferred))


def _slides(image_size: Size, face: Box, size: Size, sides: Sequence[str]) -> Iterator[_Slide]:
    """Yield the slides along sides of the visible part of a face that lie inside the image."""
    visible = _visible(face, image_size)
    image_width, image_height = image_size
    width, height = size
    right, bottom = visible.x + visible.width, visible.y + visible.height
    across = {
        "right": right,
        "left": visible.x - width,
        "above": visible.y - height,
        "below": bottom,
        "inside top": min(visible.y, image_height - height),
        "inside bottom": max(bottom - height, 0),
    }
    for side in sides:
        vertical = side in ("right", "left")
        if vertical:
            begin, end, length, limit = visible.y, bottom, height, image_height
            fits = 0 <= across[side] <= image_width - width
        else:
            begin, end, length, limit = visible.x, right, width, image_width
            fits = 0 <= across[side] <= image_height - height
        if fits:
            # The middle of the rectangle stays between the ends of the side.
            least = min(max(begin - length // 2, 0), limit - length)
            most = min(max(end - length // 2, least), limit - length)
            preferred = min(max(begin, least), most)
            yield _Slide(side, vertical, size, across[side], least, most, preferred)


def _nearest_free(slide: _Slide, obstacles: Sequence[Box]) -> int | None:
    """Return the start nearest to the preferred one that hides no obstacle, or None."""
    up = down = slide.preferred
    for low, high in sorted(slide.blocked(obstacles)):
        if low < up < high:
            up = high
    for low, high in sorted(slide.blocked(obstacles), key=lambda interval: -interval[1]):
        if low < down < high:
            down = low
    free = [start for start in (up, down) if slide.least <= start <= slide.most]
    return min(free, key=lambda start: abs(start - slide.preferred), default=None)


def _corners(boxes: Sequence[Box]) -> npt.NDArray[np.int64]:
    """Return left, top, right and bottom of boxes, shape (n, 4)."""
    corners = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in boxes]
    return np.array(corners, np.int64).reshape(-1, 4)


def _shared_areas(
    positions: npt.NDArray[np.int64], boxes: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Compute the pixels that each position shares with all boxes, shape (n,)."""
    begin = np.maximum(positions[:, None, :2], boxes[None, :, :2])
    end = np.minimum(positions[:, None, 2:], boxes[None, :, 2:])
    areas: npt.NDArray[np.int64] = np.maximum(end - begin, 0).prod(axis=2).sum(axis=1)
    return areas
