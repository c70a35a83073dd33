import numpy as np
import pytest

from emorec.evaluation import group_resampling
from emorec.evaluation.calibration import expected_calibration_error, reliability
from emorec.evaluation.group_resampling import (
    bootstrap_sums,
    grouped_images,
    metrics_of_sums,
    permutation_p_values,
    permuted_sums,
    range_interval,
    resampling_units,
)
from emorec.evaluation.metrics import score


def predictions(images: int, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(classes) / 2, images)
    return probabilities, np.eye(classes, dtype=np.float32)[generator.integers(0, classes, images)]


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_resampling, "RESAMPLES", 50)


@pytest.mark.parametrize("images", [1, 2, 40])
def test_the_metrics_are_those_of_the_whole_evaluation(images: int) -> None:
    probabilities, targets = predictions(images)
    groups = np.zeros(images, np.intp)
    data = grouped_images(probabilities, targets, groups, np.arange(images))
    found = metrics_of_sums(data.sums(groups[None], np.ones((1, images))))[0, 0]
    scores = score(probabilities, targets, tuple("abcd"))
    error = expected_calibration_error(reliability(probabilities, targets))
    assert found == pytest.approx([scores.accuracy, scores.balanced_accuracy, error])


def test_a_set_without_images_has_no_metrics() -> None:
    assert np.isnan(metrics_of_sums(np.zeros((1, 2 * 4 + 15)))).all()


@pytest.mark.parametrize(
    ("groups", "people", "units"),
    [
        ([0], [0], [0]),
        ([0, 0, 1, 1], [0, 1, 2, 3], [0, 1, 2, 3]),
        ([0, 0, 0, 1, 1], [0, 0, 1, 2, 3], [0, 0, 1, 2, 3]),
        # The only person of a group is resampled by image, unless there are images elsewhere.
        ([0, 0, 0, 1, 1], [0, 0, 1, 2, 2], [0, 0, 1, 2, 3]),
        ([0, 0, 1, 1, 1], [0, 0, 0, 1, 2], [0, 0, 0, 1, 2]),
    ],
)
def test_units_of_resampling(groups: list[int], people: list[int], units: list[int]) -> None:
    assert resampling_units(np.array(groups), np.array(people)).tolist() == units


@pytest.mark.usefixtures("few_resamples")
def test_people_of_one_group_are_resampled_within_it() -> None:
    probabilities, targets = predictions(60)
    groups, units = np.repeat([0, 1, 2], 20), np.arange(60) // 2
    data = grouped_images(probabilities, targets, groups, units)
    assert data.nested
    sums = bootstrap_sums(data)
    assert (sums[:, :, :4].sum(axis=2).round() == 20).all()  # 10 people of two images each
    assert (sums[:, :, :4] != sums[0, :, :4]).any()
    np.testing.assert_array_equal(sums, bootstrap_sums(data))


@pytest.mark.usefixtures("few_resamples")
def test_a_person_in_several_groups_is_drawn_with_all_images() -> None:
    probabilities, targets = predictions(60)
    groups, units = np.tile([0, 1], 30), np.arange(60) // 2
    data = grouped_images(probabilities, targets, groups, units)
    assert not data.nested
    images = bootstrap_sums(data)[:, :, :4].sum(axis=2).round()
    np.testing.assert_array_equal(images[:, 0], images[:, 1])
    # A permutation exchanges the groups of each person's two images.
    permuted = permuted_sums(data)
    assert (permuted[:, :, :4].sum(axis=2) == 30).all()
    np.testing.assert_allclose(
        permuted.sum(axis=1), np.broadcast_to(permuted[0].sum(axis=0), (50, 23)), atol=1e-9
    )


@pytest.mark.usefixtures("few_resamples")
def test_a_permutation_keeps_the_images_of_a_person_together() -> None:
    probabilities, targets = predictions(90)
    units = np.concatenate([np.zeros(40, np.intp), 1 + np.arange(50)])
    groups = (np.arange(90) >= 65).astype(np.intp)
    sums = permuted_sums(grouped_images(probabilities, targets, groups, units))
    images = sums[:, :, :4].sum(axis=2).astype(int)
    # 26 units are in group 0, 25 in group 1; the person with 40 images is in either.
    assert {tuple(row) for row in images.tolist()} == {(65, 25), (26, 64)}


def test_the_interval_of_a_gap_of_two_groups_is_symmetric() -> None:
    generator = np.random.default_rng(0)
    estimates = np.array([0.9, 0.7])
    found = estimates + generator.normal(0, [0.02, 0.03], (2000, 2))
    low, high = range_interval(estimates, found)
    assert (low + high) / 2 == pytest.approx(0.2, abs=0.005)
    assert (high - low) / 2 == pytest.approx(1.96 * np.hypot(0.02, 0.03), rel=0.06)


def test_a_noisy_group_does_not_widen_the_lower_end() -> None:
    generator = np.random.default_rng(0)
    estimates = np.array([0.9, 0.7, 0.8])
    found = estimates + generator.normal(0, [0.01, 0.01, 0.1], (2000, 3))
    low, high = range_interval(estimates, found)
    assert 0.15 < low < 0.2
    assert high > 0.25


def test_groups_that_do_not_vary() -> None:
    assert range_interval(np.ones(3), np.ones((20, 3))) == (0, 0)


@pytest.mark.parametrize(("difference", "p"), [(0.0, 1.0), (0.5, 1 / 5), (0.2, 3 / 5)])
def test_p_values_count_the_groups_as_they_are(difference: float, p: float) -> None:
    estimates = np.array([[0.0] * 3, [difference] * 3])
    permuted = np.array([[[0.0] * 3, [value] * 3] for value in (0.1, -0.2, 0.3, 0.1)])
    found = permutation_p_values(estimates, permuted, np.array([3, 5]))
    assert found == pytest.approx([p] * 3)
