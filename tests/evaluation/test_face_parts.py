import numpy as np
import pytest

from emorec.evaluation.face_parts import PARTS, part_shares
from emorec.types import Landmarks

LANDMARKS = Landmarks((130, 230), (170, 230), (150, 250), (135, 270), (165, 270))
"""In a face of 100 pixels whose crop begins at (100, 200)."""

TO_IMAGE = np.array([[2.0, 0, 100], [0, 2.0, 200]])
"""A crop of 50x50 inputs."""


def spot(x: float, y: float) -> np.ndarray:
    heat = np.zeros((50, 50), np.float32)
    heat[int((y - 200) / 2), int((x - 100) / 2)] = 2
    return heat


@pytest.mark.parametrize(
    ("x", "y", "part"),
    [
        (130, 230, "eyes"),
        (170, 218, "eyes"),  # a brow
        (150, 250, "nose"),
        (150, 270, "mouth"),  # between its corners
        (135, 280, "mouth"),
        (104, 204, "elsewhere"),
        (150, 299, "elsewhere"),
    ],
)
def test_a_spot_belongs_to_its_part(x: float, y: float, part: str):
    shares = part_shares(spot(x, y), TO_IMAGE, LANDMARKS, 100)
    assert shares == {name: float(name == part) for name in PARTS}


def test_a_turned_face_has_the_same_shares():
    heat = np.random.default_rng(0).random((50, 50)).astype(np.float32)
    quarter = np.array([[0, -1.0, 0], [1.0, 0, 0]])  # x, y -> -y, x
    turned = Landmarks(*((-y, x) for x, y in LANDMARKS.points.values()))
    shares = part_shares(heat, TO_IMAGE, LANDMARKS, 100)
    assert shares is not None
    turned_matrix = quarter[:, :2] @ TO_IMAGE
    assert part_shares(heat, turned_matrix, turned, 100) == pytest.approx(shares)
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares.values()) > 0


def test_negative_heat_does_not_count():
    heat = spot(150, 250) - 3 * spot(150, 270) + spot(130, 230)
    shares = part_shares(heat, TO_IMAGE, LANDMARKS, 100)
    assert shares == {"eyes": 0.5, "nose": 0.5, "mouth": 0, "elsewhere": 0}


@pytest.mark.parametrize("value", [0, -1])
def test_no_positive_heat(value: float):
    assert part_shares(np.full((5, 5), value, np.float32), TO_IMAGE, LANDMARKS, 100) is None


def test_points_that_coincide():
    same = Landmarks(*[(150.0, 250.0)] * 5)
    assert part_shares(spot(150, 250), TO_IMAGE, same, 100) == {
        "eyes": 1,
        "nose": 0,
        "mouth": 0,
        "elsewhere": 0,
    }
