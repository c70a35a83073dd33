import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.labels import EMOTIONS_8
from emorec.media.bars import draw_bars, panel_sizes
from emorec.types import Box

numbers = st.integers(-60, 260)
sizes = st.integers(1, 300)
boxes = st.builds(Box, numbers, numbers, sizes, sizes)


@given(height=sizes, width=sizes, face=boxes)
def test_panels_fit_into_the_image_and_get_smaller(height, width, face):
    panels = panel_sizes(EMOTIONS_8, face, (width, height))
    if not panels:
        assert height < 100 or width < 100
    assert all(panel.width <= width and panel.height <= height for panel in panels)
    heights = [panel.text_height for panel in panels]
    assert heights == sorted(set(heights), reverse=True)
    assert not heights or heights[-1] == 5


@pytest.mark.parametrize(
    ("image", "face", "text_height"),
    [(1000, 1000, 18), (1000, 200, 12), (1000, 20, 7), (300, 1000, 7), (2000, 2000, 36)],
)
def test_the_largest_text_is_for_the_image_and_the_face(image, face, text_height):
    panel = panel_sizes(EMOTIONS_8, Box(0, 0, face, face), (image, image))[0]
    assert panel.text_height == text_height
    if 7 < text_height < 18:
        assert panel.height == pytest.approx(face, rel=0.05)


@pytest.mark.parametrize("image_size", [(1, 1), (40, 400), (400, 40)])
def test_no_panel_where_it_would_be_unreadable(image_size):
    assert panel_sizes(EMOTIONS_8, Box(0, 0, 40, 40), image_size) == []


def test_one_font_for_all_names_of_a_panel():
    names = ("happy", "m\xfcde", "\u0437\u043b\u043e\u0439")
    panel = panel_sizes(names, Box(0, 0, 250, 250), (500, 500))[0]
    assert len({line.font for line in panel.names}) == 1
    assert panel.names[0].font is not None
    assert panel_sizes(EMOTIONS_8, Box(0, 0, 250, 250), (500, 500))[0].names[0].font is None


def test_bars_stay_inside_their_panel_and_are_as_long_as_the_probabilities():
    image = np.full((300, 400, 3), 255, np.uint8)
    shares = {"angry": 1.0, "sad": 0.5, "fear": 0.0}
    panel = panel_sizes(tuple(shares), Box(0, 0, 150, 150), (400, 300))[0]
    position = Box(50, 20, panel.width, panel.height)
    color = (1, 2, 250)
    draw_bars(image, panel, position, shares, lambda name: color)
    lengths = [int(n) for n in (image == color).all(axis=2).sum(axis=1)]
    full, half = sorted(set(lengths) - {0}, reverse=True)[:2]
    assert 0.4 < half / full < 0.55
    outside = np.ones(image.shape[:2], bool)
    outside[20 : 20 + panel.height, 50 : 50 + panel.width] = False
    assert (image[outside] == 255).all()
