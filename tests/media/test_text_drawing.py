import cv2
import numpy as np
import pytest

from emorec import fonts
from emorec.media.text_drawing import TextStyle, common_font, draw_line, text_line

STYLE = TextStyle(cv2.FONT_HERSHEY_SIMPLEX, stroke=1.5)
TEXTS = ["happy 93%", "müde", "Ärger", "злой", "7 غاضب\u200e 93%"]


def extent(image: np.ndarray) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the pixels that are not black."""
    rows, columns = np.nonzero(image.any(axis=2))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.mark.parametrize("capital", [6, 20, 60.5])
@pytest.mark.parametrize("text", TEXTS)
def test_a_text_fills_its_measures(text: str, capital: float):
    line = text_line(text, capital, STYLE)
    image = np.zeros((300, 1200, 3), np.uint8)
    draw_line(image, line, (100, 150), (255, 255, 255))
    left, top, right, bottom = extent(image)
    slack = 2 + 0.15 * capital
    assert abs(left - 100) <= slack
    assert abs(right - left - line.width) <= 2 * slack
    assert 150 - line.ascent - slack <= top
    assert bottom <= 150 + line.descent + slack
    assert 150 - top >= 0.6 * capital


@pytest.mark.parametrize("text", TEXTS)
def test_the_height_is_that_of_a_capital_letter(text: str):
    image = np.zeros((100, 400, 3), np.uint8)
    line = text_line("H", 40, STYLE, common_font([text]))
    draw_line(image, line, (10, 60), (255, 255, 255))
    _, top, _, bottom = extent(image)
    assert bottom - top == pytest.approx(40, abs=4)


def test_the_colour_is_blended_into_the_image():
    image = np.full((60, 200, 3), (200, 100, 0), np.uint8)
    draw_line(image, text_line("müde", 30, STYLE), (10, 45), (0, 10, 250))
    pixels = image.reshape(-1, 3)
    assert (pixels == (0, 10, 250)).all(axis=1).sum() > 100
    assert (pixels == (200, 100, 0)).all(axis=1).sum() > 1000
    assert pixels[:, 0].max() == 200
    assert pixels[:, 2].max() == 250


@pytest.mark.parametrize("text", ["müde", "злой"])
@pytest.mark.parametrize("origin", [(-30, 10), (90, 10), (10, -100), (10, 200), (-500, 5)])
def test_what_lies_outside_is_clipped(text: str, origin: tuple[int, int]):
    image, large = np.zeros((50, 100, 3), np.uint8), np.zeros((650, 1100, 3), np.uint8)
    line = text_line(text, 20, STYLE)
    draw_line(image, line, origin, (255, 255, 255))
    draw_line(large, line, (origin[0] + 500, origin[1] + 300), (255, 255, 255))
    assert np.array_equal(image, large[300:350, 500:600])


def test_a_text_without_a_font_is_escaped(monkeypatch):
    monkeypatch.setattr(fonts, "find_font", lambda text: None)
    line = text_line("müde", 20, STYLE)
    assert (line.text, line.font) == (r"m\xfcde", None)


@pytest.mark.parametrize(
    ("texts", "has_font"), [([], False), (["happy"], False), (["happy", "müde", "злой"], True)]
)
def test_a_common_font(texts: list[str], has_font: bool):
    font = common_font(texts)
    assert (font is not None) == has_font
    assert text_line("happy", 20, STYLE, font).font == font


def test_marks_are_composed():
    assert text_line("mu\u0308de", 20, STYLE) == text_line("müde", 20, STYLE)
