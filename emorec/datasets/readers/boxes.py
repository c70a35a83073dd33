"""Parses the boxes and landmarks of faces that a source gives as text."""

import math
from collections.abc import Sequence

from emorec.datasets.readers.rows import SourceBox
from emorec.errors import DataError
from emorec.types import Box, Landmarks

_MAX_COORDINATE = 10**6
"""Largest coordinate of a box in pixels, larger than any image that is read."""


def source_box(texts: Sequence[str], points: Sequence[str], place: str) -> SourceBox | None:
    """Parse the box of a face.

    Args:
        texts: x, y, width and height in pixels of the full, upright image; all empty for no box.
        points: x and y of the points in the order of `LANDMARK_NAMES`; empty for none.
        place: File and row, for messages.

    Raises:
        DataError: The box is empty, or a coordinate is no number or too large.
    """
    if not any(texts):
        return None
    x, y, width, height = map(round, numbers(texts, f"{place}: the box x,y,width,height"))
    if width < 1 or height < 1:
        raise DataError(
            f"{place}: the box is empty: its width and height must be 1 or more; received "
            f"{','.join(texts)!r:.80}"
        )
    landmarks = None
    if any(points):
        values = numbers(points, f"{place}: the landmarks right_eye_x to left_mouth_y")
        landmarks = Landmarks(*zip(values[::2], values[1::2], strict=True))
    return SourceBox(Box(x, y, width, height), place, landmarks)


def numbers(texts: Sequence[str], what: str) -> list[float]:
    """Parse coordinates.

    Raises:
        DataError: One is no number, or too large; `what` begins the message.
    """
    try:
        found = [float(text) for text in texts]
    except ValueError:
        found = [math.nan]
    if not all(abs(number) <= _MAX_COORDINATE for number in found):
        raise DataError(
            f"{what} must be {len(texts)} numbers of pixels, at most {_MAX_COORDINATE:,}, or "
            f"empty; received {','.join(texts)!r:.80}"
        )
    return found
