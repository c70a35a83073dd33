import numpy as np
import pytest

from emorec.evaluation import occlusion
from emorec.evaluation.occlusion import LEAST_PROBABILITY, occlusion_sensitivity

SIZE = 24


def quadrant(crops):
    """Probability that grows with the brightness of the top left quadrant alone."""
    means = np.array([crop[: SIZE // 2, : SIZE // 2].mean() for crop in crops])
    return list(1 / (1 + 2.0 ** -(means / 32 - 4)))


def bright_quadrant() -> np.ndarray:
    image = np.zeros((SIZE, SIZE), np.uint8)
    image[: SIZE // 2, : SIZE // 2] = 255
    return image


def test_the_heat_lies_where_the_model_looks():
    found = occlusion_sensitivity(bright_quadrant(), quadrant, 0.25)
    assert (found.heat.shape, found.heat.dtype) == ((SIZE, SIZE), np.float32)
    half, side = SIZE // 2, SIZE // 4
    assert found.heat[:half, :half].min() > 0
    assert found.heat[half + side :].max() == found.heat[:, half + side :].max() == 0
    assert found.heat[:half, :half].sum() > 0.8 * found.heat.sum()
    assert found.probability == pytest.approx(quadrant([bright_quadrant()])[0])


def test_the_unit_is_bits_of_log_odds():
    """A patch inside the quadrant replaces 36 of its 144 pixels by the mean, a quarter of 255."""
    found = occlusion_sensitivity(bright_quadrant(), quadrant, 0.25)
    (mean,) = {round(255 / 4)}
    bits = 36 / 144 * (255 - mean) / 32
    assert found.heat[0, 0] == pytest.approx(bits, rel=1e-4)
    assert found.least == pytest.approx(1 / (1 + 2.0 ** -(255 / 32 - 4 - bits)), rel=1e-4)


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_the_batch_does_not_matter(monkeypatch: pytest.MonkeyPatch, batch: int):
    before = occlusion_sensitivity(bright_quadrant(), quadrant)
    monkeypatch.setattr(occlusion, "_BATCH", batch)
    np.testing.assert_array_equal(
        occlusion_sensitivity(bright_quadrant(), quadrant).heat, before.heat
    )


@pytest.mark.parametrize("patch", [0.05, 0.13, 0.25, 0.4, 0.5])
def test_symmetric_input_gives_symmetric_heat(patch: float):
    half = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE // 2), np.uint8)
    image = np.concatenate([half, half[:, ::-1]], axis=1)

    def mean(crops):
        return [crop.mean() / 256 for crop in crops]

    heat = occlusion_sensitivity(image, mean, patch).heat
    assert np.ptp(heat) > 0
    np.testing.assert_allclose(heat, heat[:, ::-1], atol=1e-5)


def test_an_image_of_one_colour_has_no_heat():
    image = np.full((SIZE, SIZE, 3), (10, 200, 90), np.uint8)
    found = occlusion_sensitivity(image, lambda crops: [c.mean() / 256 for c in crops])
    assert not found.heat.any()
    assert found.least == found.probability


def test_heat_is_negative_where_covering_raises_the_probability():
    found = occlusion_sensitivity(bright_quadrant(), lambda c: [1 - p for p in quadrant(c)])
    assert found.heat[0, 0] < 0


def test_extreme_probabilities_are_bounded():
    def certain(crops):
        return [float(crop[0, 0] == 255) for crop in crops]

    found = occlusion_sensitivity(bright_quadrant(), certain)
    assert (found.probability, found.least) == (1, 0)
    bits = 2 * np.log2((1 - LEAST_PROBABILITY) / LEAST_PROBABILITY)
    assert found.heat[0, 0] == pytest.approx(bits)


@pytest.mark.parametrize(
    ("size", "side", "starts"),
    [
        (4, 4, [0]),
        (4, 1, [0, 1, 2, 3]),
        (12, 4, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (48, 12, [0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36]),
        (20, 8, [0, 2, 4, 6, 8, 10, 12]),
        (21, 8, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]),
    ],
)
def test_positions_reach_both_edges(size: int, side: int, starts: list[int]):
    assert occlusion._starts(size, side) == starts


def test_progress():
    calls = []
    occlusion_sensitivity(bright_quadrant(), quadrant, 0.25, lambda *call: calls.append(call))
    total = len(occlusion._starts(SIZE, 6)) ** 2
    assert calls[-1] == (total, total)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
