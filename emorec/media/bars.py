"""Draws the probabilities of a face as a panel of bars beside it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from emorec.images import Image
from emorec.types import Box

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_GROUND, _INK, _TRACK = (32, 32, 32), (255, 255, 255), (70, 70, 70)
_OPACITY = 0.75

_TEXT_SHARE = 0.018
"""Height of a capital letter as a part of the picture's shorter side."""
_SMALL_TEXT = 7
"""Height of a capital letter below which text shrinks only to stay inside the picture."""
_LEAST_TEXT = 5
"""Height of a capital letter below which no bars are drawn, as nobody could read them."""
_ROW, _BAR, _GAP = 1.9, 6.0, 0.7
"""Height of a row, length of a full bar and gaps, in heights of a capital letter."""


@dataclass(frozen=True)
class Panel:
    """Sizes of a panel in pixels."""

    scale: float
    text_height: int
    names_width: int
    width: int
    height: int


def fit(probabilities: Mapping[str, float], face: Box, image: Image) -> Panel | None:
    """Size a panel to its face and picture; None where it would be too small to read.

    Args:
        probabilities: By emotion.
        face: The face's box in the picture's pixels.
        image: The picture, shape (height, width, 3).
    """
    height, width = image.shape[:2]
    names = [cv2.getTextSize(name, _FONT, 1, 1)[0] for name in probabilities]
    unit_height = max(size[1] for size in names)
    unit_names = max(size[0] for size in names) / unit_height
    rows = len(names)
    high = rows * _ROW + 2 * _GAP
    wide = unit_names + _BAR + 3 * _GAP
    text = max(min(_TEXT_SHARE * min(height, width), face.height / high), _SMALL_TEXT)
    text = min(text, height / (high + 1), width / (wide + 1))
    if text < _LEAST_TEXT:
        return None
    return Panel(
        scale=text / unit_height,
        text_height=round(text),
        names_width=round(unit_names * text),
        width=min(round(wide * text), width),
        height=min(round(high * text), height),
    )


def places(panel: Panel, frame: Box, image: Image) -> list[Box]:
    """List where a panel can stand inside the picture: beside, below, above its face, in it."""
    height, width = image.shape[:2]
    corners = (
        (frame.x + frame.width, frame.y),
        (frame.x - panel.width, frame.y),
        (frame.x, frame.y + frame.height),
        (frame.x, frame.y - panel.height),
        (frame.x + frame.width - panel.width, frame.y + frame.height - panel.height),
    )
    return [
        Box(
            min(max(x, 0), width - panel.width),
            min(max(y, 0), height - panel.height),
            panel.width,
            panel.height,
        )
        for x, y in corners
    ]


def draw(
    image: Image,
    panel: Panel,
    place: Box,
    probabilities: Mapping[str, float],
    color: Callable[[str], Sequence[int]],
) -> None:
    """Draw the bars of all emotions, in their order, into a picture.

    Args:
        image: Blue, green, red; changed.
        panel: Sizes.
        place: Where it stands.
        probabilities: By emotion.
        color: Gives an emotion's colour in blue, green, red.
    """
    ground = image[place.y : place.y + place.height, place.x : place.x + place.width]
    ground[:] = np.uint8((1 - _OPACITY) * ground + _OPACITY * np.array(_GROUND))
    text = panel.text_height
    gap = round(_GAP * text)
    start = place.x + gap + panel.names_width + gap
    full = max(place.x + place.width - gap - start, 1)
    thickness = max(round(1.7 * panel.scale), 1)
    for row, (name, probability) in enumerate(probabilities.items()):
        base = place.y + gap + round((row + 0.5) * _ROW * text) + text // 2
        origin = (place.x + gap, base)
        cv2.putText(image, name, origin, _FONT, panel.scale, _INK, thickness, cv2.LINE_AA)
        top, bottom = base - text, base
        image[top:bottom, start : start + full] = _TRACK
        end = start + round(full * probability)
        image[top:bottom, start:end] = color(name)
        # A bright end, as dark colours hardly differ from the track.
        image[top:bottom, max(end - max(text // 6, 1), start) : end] = _INK
