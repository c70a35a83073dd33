"""Measures and draws lines of text: ASCII with OpenCV, other text with an installed font."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from emorec import fonts
from emorec.fonts import Font
from emorec.images import Image

Color = tuple[int, int, int]
"""BGR, 0..255."""

_LEAST_DESCENT = 0.3
"""Space below the baseline in heights of a capital letter, also for text without descenders."""


@dataclass(frozen=True)
class TextStyle:
    """How ASCII text looks.

    Attributes:
        hershey: One of `cv2.FONT_HERSHEY_*`.
        stroke: Width of its lines at scale 1, in pixels.
    """

    hershey: int
    stroke: float


@dataclass(frozen=True)
class TextLine:
    """A line of text at one size, in pixels.

    Attributes:
        text: The text as it is drawn.
        width: Its width.
        ascent: Height above the baseline; of a capital letter, at least.
        descent: Depth below the baseline.
        capital: Height of a capital letter.
        style: How ASCII text looks.
        font: The font of other text.
    """

    text: str
    width: int
    ascent: int
    descent: int
    capital: float
    style: TextStyle
    font: Font | None = None


def common_font(texts: Iterable[str]) -> Font | None:
    """Find a font for texts of which some are not ASCII; None if all are, or there is none."""
    joined = "".join(map(fonts.drawable, texts))
    return None if joined.isascii() else fonts.find_font(joined)


def text_line(text: str, capital: float, style: TextStyle, font: Font | None = None) -> TextLine:
    """Measure a text.

    Args:
        text: Any text; what no installed font has is escaped.
        capital: Height of a capital letter in pixels.
        style: How it looks if it is ASCII and there is no font.
        font: A font that has its characters, to draw it like others; None finds one if needed.
    """
    shown = fonts.drawable(unicodedata.normalize("NFC", text))
    if font is None and shown.isascii():
        scale = _hershey_scale(capital, style)
        (width, height), baseline = cv2.getTextSize(
            shown, style.hershey, scale, _thickness(scale, style)
        )
        return TextLine(shown, width, height, baseline, capital, style)
    font = font or fonts.find_font(shown)
    assert font is not None, "drawable text outside ASCII has a font"
    left, top, right, bottom = _bounds(shown, font, capital)
    ascent = max(-top, round(capital))
    descent = max(bottom, round(_LEAST_DESCENT * capital))
    return TextLine(shown, right - left, ascent, descent, capital, style, font)


def draw_line(image: Image, line: TextLine, origin: tuple[int, int], color: Color) -> None:
    """Draw a line of text into an image; what lies outside is clipped.

    Args:
        image: Image, shape (height, width, 3), uint8, BGR; modified.
        line: The text.
        origin: x of its left end and y of its baseline.
        color: Its colour.
    """
    if line.font is not None:
        _blend(image, line.text, line.font, line.capital, origin, color)
        return
    scale = _hershey_scale(line.capital, line.style)
    thickness = _thickness(scale, line.style)
    hershey = line.style.hershey
    cv2.putText(image, line.text, origin, hershey, scale, color, thickness, cv2.LINE_AA)


@lru_cache(maxsize=8)
def _unit_height(hershey: int) -> int:
    return cv2.getTextSize("H", hershey, 1, 1)[0][1]


def _hershey_scale(capital: float, style: TextStyle) -> float:
    return capital / _unit_height(style.hershey)


def _thickness(scale: float, style: TextStyle) -> int:
    return max(round(style.stroke * scale), 1)


@lru_cache(maxsize=64)
def _em_px(font: Font, capital: float) -> int:
    """Return the size of a font whose capital letters have a height."""
    at_hundred = -font.at_size(100).getbbox("H", anchor="ls")[1]
    return max(round(100 * capital / max(at_hundred, 1)), 1)


def _direction(text: str) -> str | None:
    # A label begins on the left also if its name is read from right to left.
    return "ltr" if fonts.reads_right_to_left(text) else None


def _bounds(text: str, font: Font, capital: float) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the pixels of a text, from its origin."""
    opened = font.at_size(_em_px(font, capital))
    left, top, right, bottom = opened.getbbox(text, anchor="ls", direction=_direction(text))
    return int(left), int(top), int(right), int(bottom)


def _blend(
    image: Image, text: str, font: Font, capital: float, origin: tuple[int, int], color: Color
) -> None:
    """Blend a text into an image, as smooth as the font is."""
    from PIL import Image as PillowImage
    from PIL import ImageDraw

    left, top, right, bottom = _bounds(text, font, capital)
    cover = PillowImage.new("L", (max(right - left, 1), max(bottom - top, 1)))
    ImageDraw.Draw(cover).text(
        (-left, -top),
        text,
        fill=255,
        font=font.at_size(_em_px(font, capital)),
        anchor="ls",
        direction=_direction(text),
    )
    x, y = origin[0], origin[1] + top
    height, width = image.shape[:2]
    alpha = np.asarray(cover, np.float32)[..., None] / 255
    alpha = alpha[max(-y, 0) : max(height - y, 0), max(-x, 0) : max(width - x, 0)]
    x, y = max(x, 0), max(y, 0)
    region = image[y : y + alpha.shape[0], x : x + alpha.shape[1]]
    ink = np.array(color, np.float32)
    region[:] = np.rint(region * (1 - alpha) + ink * alpha).astype(np.uint8)
