import math

import numpy as np
import pytest

from emorec.evaluation import heat_maps
from emorec.evaluation.heat_maps import corners, map_heat

HEAT = np.random.default_rng(0).random((6, 6)).astype(np.float32)


def matrix(scale: float = 1, degrees: float = 0, x: float = 0, y: float = 0) -> np.ndarray:
    cos, sin = (scale * f(math.radians(degrees)) for f in (math.cos, math.sin))
    return np.array([[cos, -sin, x], [sin, cos, y]])


def test_whole_pixels_keep_their_values():
    mapped = map_heat(HEAT, matrix(x=3, y=5), (20, 30))
    assert (mapped.left, mapped.top, mapped.place) == (3, 5, (slice(5, 11), slice(3, 9)))
    np.testing.assert_allclose(mapped.values, HEAT, atol=1e-6)
    assert mapped.inside.all()


def test_a_quarter_turn():
    mapped = map_heat(HEAT, matrix(degrees=90, x=10, y=5), (20, 30))
    assert (mapped.left, mapped.top) == (4, 5)
    assert mapped.inside.all()
    np.testing.assert_allclose(mapped.values, np.rot90(HEAT, -1), atol=1e-6)


def test_a_tilted_square_covers_its_area():
    mapped = map_heat(np.ones((6, 6), np.float32), matrix(5, 30, 40, 10), (100, 100))
    assert mapped.inside.sum() == pytest.approx(30 * 30, rel=0.03)
    assert not mapped.inside[0, 0]
    assert (mapped.values == 1).all()


@pytest.mark.parametrize(
    ("x", "y", "shape"),
    [(-2, -3, (3, 4)), (16, 27, (3, 4)), (-6, 0, (6, 0)), (20, 40, (0, 0)), (-9, -9, (0, 0))],
)
def test_a_crop_across_the_border(x: int, y: int, shape: tuple[int, int]):
    mapped = map_heat(HEAT, matrix(x=x, y=y), (20, 30))
    assert mapped.values.shape == mapped.inside.shape == shape
    rows, columns = slice(max(-y, 0), 30 - y), slice(max(-x, 0), 20 - x)
    if mapped.values.size:
        np.testing.assert_allclose(mapped.values, HEAT[rows, columns], atol=1e-6)


def test_large_images_are_mapped_in_tiles(monkeypatch: pytest.MonkeyPatch):
    whole = map_heat(HEAT, matrix(4, 20, 12, 3), (50, 50))
    monkeypatch.setattr(heat_maps, "_TILE", 7)
    tiles = map_heat(HEAT, matrix(4, 20, 12, 3), (50, 50))
    np.testing.assert_allclose(tiles.values, whole.values, atol=0.02)
    assert (tiles.inside != whole.inside).sum() <= 2  # rounding of OpenCV


def test_corners_are_clockwise_from_top_left():
    assert corners(6, matrix(2, 0, 10, 20)).tolist() == [[10, 20], [22, 20], [22, 32], [10, 32]]
    turned = corners(6, matrix(1, 90, 10, 20))
    np.testing.assert_allclose(turned, [[10, 20], [10, 26], [4, 26], [4, 20]], atol=1e-9)
