import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emorec.evaluation.calibration import (
    coverage_curve,
    expected_calibration_error,
    fit_temperature,
    reliability,
    shrunk_temperature,
    two_fold,
)
from emorec.metadata import MIN_CALIBRATION_IMAGES
from emorec.probabilities import probabilities_from_logits


def one_hot(labels: list[int]) -> np.ndarray:
    return np.eye(3, dtype=np.float32)[labels]


def test_calibration_of_known_bins() -> None:
    # Four images at confidence 0.95, of which three are right: the gap is 0.2.
    probabilities = np.tile([0.95, 0.03, 0.02], (4, 1))
    bins = reliability(probabilities, one_hot([0, 0, 0, 1]), bins=10)
    assert [entry.images for entry in bins] == [0] * 9 + [4]
    assert expected_calibration_error(bins) == pytest.approx(0.2)


def test_full_confidence_falls_into_the_last_bin() -> None:
    bins = reliability(np.array([[1.0, 0.0, 0.0]]), one_hot([0]))
    assert [entry.images for entry in bins] == [0] * 14 + [1]
    assert expected_calibration_error(bins) == 0


def drawn(count: int, temperature: float):
    """Logits, and labels drawn from their probabilities at a temperature."""
    generator = np.random.default_rng(1)
    logits = generator.normal(0, 3, (count, 3))
    cumulated = probabilities_from_logits(logits, temperature).cumsum(axis=1)
    labels = (generator.random((count, 1)) > cumulated[:, :2]).sum(axis=1)
    return logits, np.eye(3, dtype=np.float32)[labels]


def cross_entropy(logits: np.ndarray, targets: np.ndarray, temperature: float) -> float:
    found = probabilities_from_logits(logits, temperature)
    return float(-(targets * np.log(found)).sum(axis=1).mean())


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_true_temperature_is_found(temperature: float) -> None:
    logits, targets = drawn(20_000, temperature)
    assert fit_temperature(logits, targets) == pytest.approx(temperature, rel=0.04)


@given(st.integers(2, 40), st.integers(0, 2**32 - 1))
def test_no_other_temperature_is_better(count: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, (count, 3))
    targets = generator.dirichlet(np.ones(3), count).astype(np.float32)
    found = fit_temperature(logits, targets)
    least = cross_entropy(logits, targets, found)
    for other in np.geomspace(0.05, 20, 50):
        assert least <= cross_entropy(logits, targets, other) + 1e-6


@pytest.mark.parametrize(("right", "expected"), [(True, 0.05), (False, 20.0)])
def test_labels_that_always_or_never_match_give_an_end(right: bool, expected: float) -> None:
    targets = one_hot([0, 1, 2])
    logits = targets if right else -targets
    assert fit_temperature(logits, targets) == pytest.approx(expected)


@pytest.mark.parametrize("count", [0, 1, 18, MIN_CALIBRATION_IMAGES - 1])
def test_few_images_leave_the_temperature_at_1(count: int) -> None:
    logits, targets = drawn(count, 0.3)
    assert shrunk_temperature(logits, targets) == 1


@pytest.mark.parametrize("temperature", [0.5, 2.5])
def test_more_images_shrink_the_temperature_less(temperature: float) -> None:
    logits, targets = drawn(5000, temperature)
    distances = []
    for count in (50, 200, 1000, 5000):
        part = logits[:count], targets[:count]
        distances.append(abs(np.log(shrunk_temperature(*part) / fit_temperature(*part))))
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 0.02
    assert distances[-1] < 0.005


@settings(max_examples=30)
@given(st.integers(50, 80), st.floats(0.2, 5), st.integers(0, 2**32 - 1))
def test_the_shrunk_temperature_minimises_loss_and_prior(
    count: int, scale: float, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, scale, (count, 3))
    targets = one_hot(generator.integers(0, 3, count).tolist())

    def objective(temperature: float) -> float:
        loss = count * cross_entropy(logits, targets, temperature)
        return loss + 0.5 * (np.log(temperature) / 0.4) ** 2

    found = shrunk_temperature(logits, targets)
    ends = sorted((1.0, fit_temperature(logits, targets)))
    assert ends[0] - 1e-9 <= found <= ends[1] + 1e-9
    least = objective(found)
    for other in np.geomspace(*ends, 50):
        assert least <= objective(other) + 1e-6


@pytest.mark.parametrize("right", [True, False])
def test_labels_that_always_or_never_match_give_a_moderate_temperature(right: bool) -> None:
    targets = one_hot([0, 1, 2] * 20)
    found = shrunk_temperature(targets if right else -targets, targets)
    assert 0.05 < found < 1 if right else 1 < found < 20


def test_two_fold_calibration_corrects_the_temperature() -> None:
    logits, targets = drawn(4000, 3.0)
    raw = expected_calibration_error(reliability(probabilities_from_logits(logits, 1.0), targets))
    found = two_fold(logits, targets)
    assert raw > 0.1
    assert found is not None
    assert found.calibration_error < 0.03
    assert found.temperatures == pytest.approx((3, 3), rel=0.1)
    assert found.temperatures[0] != found.temperatures[1]
    assert two_fold(logits, targets) == found
    moved = two_fold(logits, targets, np.array([2.0, 0.0, -2.0]))
    assert moved is not None
    assert moved.temperatures == found.temperatures
    assert moved.calibration_error > found.calibration_error
    assert two_fold(logits[:1], targets[:1]) is None


def test_coverage_and_accuracy_above_a_threshold() -> None:
    probabilities = np.array([[0.9, 0.1, 0], [0.6, 0.4, 0], [0.4, 0.3, 0.3], [0.5, 0.5, 0]])
    points = {p.min_confidence: p for p in coverage_curve(probabilities, one_hot([0, 1, 0, 0]))}
    assert len(points) == 20
    for threshold, coverage, accuracy in (
        (0.0, 1.0, 0.75),
        (0.4, 1.0, 0.75),
        (0.5, 0.75, 2 / 3),
        (0.65, 0.25, 1.0),
        (0.95, 0.0, None),
    ):
        assert (points[threshold].coverage, points[threshold].accuracy) == (coverage, accuracy)
