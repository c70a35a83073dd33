"""Panel with bars of the emotion probabilities beside a face."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from emorec.images import Image
from emorec.media.text_drawing import Color, TextLine, TextStyle, common_font, draw_line, text_line
from emorec.types import Box

_STYLE = TextStyle(cv2.FONT_HERSHEY_SIMPLEX, stroke=1.7)
_BACKGROUND, _INK, _EMPTY_BAR = (32, 32, 32), (255, 255, 255), (70, 70, 70)
_OPACITY = 0.75

_TEXT_SHARE = 0.018
"""Height of a capital letter as a fraction of the image's shorter side."""
_SMALL_TEXT = 7
"""Height of a capital letter below which text shrinks only where a larger panel has no place."""
_MIN_TEXT = 5
"""Height of a capital letter below which bars are unreadable and not drawn."""
_STEP = 0.8
"""Ratio of each size to the one before."""
_ROW, _BAR, _GAP = 1.9, 6.0, 0.7
"""Height of a row, length of a full bar and gaps, in heights of a capital letter."""


@dataclass(frozen=True)
class Panel:
    """A panel at one size, in pixels.

    Attributes:
        text_height: Height of a capital letter.
        names: The names of the emotions.
        names_width: Width of the longest name.
        width: Width of the panel.
        height: Height of the panel.
    """

    text_height: int
    names: tuple[TextLine, ...]
    names_width: int
    width: int
    height: int


def panel_sizes(names: tuple[str, ...], face: Box, image_size: tuple[int, int]) -> list[Panel]:
    """List the sizes at which a panel can be drawn, the largest first.

    Args:
        names: Names of the emotions.
        face: Box of the face; the panel is at most as high, if its text stays readable.
        image_size: Width and height of the image in pixels.

    Returns:
        The panels that fit into the image; empty if it is too small for readable ones.
    """
    rows = len(names) * _ROW + 2 * _GAP
    text = round(max(min(_TEXT_SHARE * min(image_size), face.height / rows), _SMALL_TEXT))
    sizes = []
    while text >= _MIN_TEXT:
        panel = _panel(names, text)
        if panel.width <= image_size[0] and panel.height <= image_size[1]:
            sizes.append(panel)
        text = min(round(_STEP * text), text - 1)
    return sizes


@lru_cache(maxsize=64)
def _panel(names: tuple[str, ...], text: int) -> Panel:
    font = common_font(names)
    lines = tuple(text_line(name, text, _STYLE, font) for name in names)
    names_width = max(line.width for line in lines)
    return Panel(
        text,
        lines,
        names_width,
        width=names_width + round((_BAR + 3 * _GAP) * text),
        height=round((len(names) * _ROW + 2 * _GAP) * text),
    )


def draw_bars(
    image: Image,
    panel: Panel,
    position: Box,
    probabilities: Mapping[str, float],
    color: Callable[[str], Color],
) -> None:
    """Draw the bars of all emotions, in their order, into an image.

    Args:
        image: Image, shape (height, width, 3), uint8, BGR; modified.
        panel: The panel, of the names of the emotions.
        position: Rectangle of the panel in the image.
        probabilities: Probability by emotion.
        color: Returns the colour of an emotion.
    """
    background = image[
        position.y : position.y + position.height, position.x : position.x + position.width
    ]
    background[:] = np.uint8((1 - _OPACITY) * background + _OPACITY * np.array(_BACKGROUND))
    text = panel.text_height
    gap = round(_GAP * text)
    start = position.x + gap + panel.names_width + gap
    full = max(position.x + position.width - gap - start, 1)
    rows = zip(panel.names, probabilities.items(), strict=True)
    for row, (line, (name, probability)) in enumerate(rows):
        base = position.y + gap + round((row + 0.5) * _ROW * text) + text // 2
        draw_line(image, line, (position.x + gap, base), _INK)
        top, bottom = base - text, base
        image[top:bottom, start : start + full] = _EMPTY_BAR
        end = start + round(full * probability)
        image[top:bottom, start:end] = color(name)
        # A bright end, as dark colours hardly differ from the empty bar.
        image[top:bottom, max(end - max(text // 6, 1), start) : end] = _INK
