"""Panel with bars of the emotion probabilities beside a face."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from emorec.images import Image
from emorec.types import Box

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_BACKGROUND, _INK, _EMPTY_BAR = (32, 32, 32), (255, 255, 255), (70, 70, 70)
_OPACITY = 0.75

_TEXT_SHARE = 0.018
"""Height of a capital letter as a fraction of the image's shorter side."""
_SMALL_TEXT = 7
"""Height of a capital letter below which text shrinks only to fit into the image."""
_MIN_TEXT = 5
"""Height of a capital letter below which bars are unreadable and not drawn."""
_ROW, _BAR, _GAP = 1.9, 6.0, 0.7
"""Height of a row, length of a full bar and gaps, in units of a capital letter's height."""


@dataclass(frozen=True)
class Panel:
    """Sizes of a panel in pixels."""

    scale: float
    text_height: int
    names_width: int
    width: int
    height: int


def fit_panel(probabilities: Mapping[str, float], face: Box, image: Image) -> Panel | None:
    """Compute the size of a panel from its face and image.

    Args:
        probabilities: Probability by emotion.
        face: Box of the face in pixels of the image.
        image: Image, shape (height, width, 3).

    Returns:
        The sizes; None if the panel would be too small to read.
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
    if text < _MIN_TEXT:
        return None
    return Panel(
        scale=text / unit_height,
        text_height=round(text),
        names_width=round(unit_names * text),
        width=min(round(wide * text), width),
        height=min(round(high * text), height),
    )


def candidate_positions(panel: Panel, border: Box, image: Image) -> list[Box]:
    """List positions of a panel in the image: beside, below, above and inside the face border."""
    height, width = image.shape[:2]
    corners = (
        (border.x + border.width, border.y),
        (border.x - panel.width, border.y),
        (border.x, border.y + border.height),
        (border.x, border.y - panel.height),
        (border.x + border.width - panel.width, border.y + border.height - panel.height),
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


def draw_bars(
    image: Image,
    panel: Panel,
    position: Box,
    probabilities: Mapping[str, float],
    color: Callable[[str], Sequence[int]],
) -> None:
    """Draw the bars of all emotions, in their order, into an image.

    Args:
        image: Image, shape (height, width, 3), uint8, BGR; modified.
        panel: Sizes of the panel.
        position: Rectangle of the panel in the image.
        probabilities: Probability by emotion.
        color: Returns the BGR colour of an emotion.
    """
    background = image[
        position.y : position.y + position.height, position.x : position.x + position.width
    ]
    background[:] = np.uint8((1 - _OPACITY) * background + _OPACITY * np.array(_BACKGROUND))
    text = panel.text_height
    gap = round(_GAP * text)
    start = position.x + gap + panel.names_width + gap
    full = max(position.x + position.width - gap - start, 1)
    thickness = max(round(1.7 * panel.scale), 1)
    for row, (name, probability) in enumerate(probabilities.items()):
        base = position.y + gap + round((row + 0.5) * _ROW * text) + text // 2
        origin = (position.x + gap, base)
        cv2.putText(image, name, origin, _FONT, panel.scale, _INK, thickness, cv2.LINE_AA)
        top, bottom = base - text, base
        image[top:bottom, start : start + full] = _EMPTY_BAR
        end = start + round(full * probability)
        image[top:bottom, start:end] = color(name)
        # A bright end, as dark colours hardly differ from the empty bar.
        image[top:bottom, max(end - max(text // 6, 1), start) : end] = _INK
