import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.labels import EMOTIONS_8
from emorec.media.bars import Panel, candidate_positions, draw_bars, fit_panel
from emorec.types import Box

SHARES = dict(zip(EMOTIONS_8, (0.5, 0.25, 0.125, 0.0625, 0.0625, 0, 0, 0), strict=True))

numbers = st.integers(-60, 260)
sizes = st.integers(1, 300)
boxes = st.builds(Box, numbers, numbers, sizes, sizes)


@given(height=sizes, width=sizes, face=boxes)
def test_panels_lie_inside_the_image(height, width, face):
    image = np.zeros((height, width, 3), np.uint8)
    panel = fit_panel(SHARES, face, image)
    if panel is None:
        assert height < 100 or width < 100
        return
    for position in candidate_positions(panel, face, image):
        assert 0 <= position.x <= position.x + position.width <= width
        assert 0 <= position.y <= position.y + position.height <= height


def test_a_panel_beside_its_face_comes_first():
    image = np.zeros((1000, 1000, 3), np.uint8)
    face = Box(300, 300, 200, 200)
    panel = fit_panel(SHARES, face, image)
    right, left, below, above, inside = candidate_positions(panel, face, image)
    assert (right.x, right.y) == (500, 300)
    assert (left.x + left.width, left.y) == (300, 300)
    assert (below.x, below.y) == (300, 500)
    assert (above.x, above.y + above.height) == (300, 300)
    assert (inside.x + inside.width, inside.y + inside.height) == (500, 500)


@pytest.mark.parametrize("shape", [(1, 1, 3), (40, 400, 3), (400, 40, 3)])
def test_no_panel_where_it_would_be_unreadable(shape):
    assert fit_panel(SHARES, Box(0, 0, 40, 40), np.zeros(shape, np.uint8)) is None


def test_bars_stay_inside_their_panel_and_are_as_long_as_the_probabilities():
    image = np.full((300, 400, 3), 255, np.uint8)
    panel = fit_panel(SHARES, Box(0, 0, 250, 250), image)
    assert isinstance(panel, Panel)
    position = Box(50, 20, panel.width, panel.height)
    color = (1, 2, 250)
    draw_bars(image, panel, position, {"angry": 1.0, "sad": 0.5, "fear": 0.0}, lambda name: color)
    lengths = [int(n) for n in (image == color).all(axis=2).sum(axis=1)]
    full, half = sorted(set(lengths) - {0}, reverse=True)[:2]
    assert 0.4 < half / full < 0.55
    outside = np.ones(image.shape[:2], bool)
    outside[20 : 20 + panel.height, 50 : 50 + panel.width] = False
    assert (image[outside] == 255).all()
