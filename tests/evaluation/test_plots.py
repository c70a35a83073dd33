import warnings

import cv2
import numpy as np
import pytest

from emorec.evaluation import group_resampling
from emorec.evaluation.calibration import coverage_curve, reliability
from emorec.evaluation.group_scores import compare_groups
from emorec.evaluation.metrics import Scores, score
from emorec.evaluation.plots import (
    draw_comparison,
    draw_confusion_matrix,
    draw_coverage,
    draw_curves,
    draw_fold_curves,
    draw_groups,
    draw_reliability,
)


def row(epoch: int) -> dict[str, float]:
    gain = 1 - 1 / epoch
    return {
        "epoch": epoch,
        "accuracy": gain,
        "val_accuracy": gain,
        "loss": 1 / epoch,
        "val_loss": 2 / epoch,
    }


def drawn(png: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image.std() > 5
    return image


@pytest.mark.parametrize("epochs", [1, 2, 30])
def test_curves(epochs: int) -> None:
    height, width = drawn(draw_curves([row(epoch + 1) for epoch in range(epochs)])).shape[:2]
    assert width > 2 * height


@pytest.mark.parametrize("epochs", [1, 2, 30])
def test_curves_of_a_run_that_is_not_validated(epochs: int) -> None:
    rows = [row(epoch + 1) for epoch in range(epochs)]
    history = [{name: each[name] for name in ("epoch", "accuracy", "loss")} for each in rows]
    without = drawn(draw_curves(history))
    assert without.shape == drawn(draw_curves(rows)).shape
    assert not np.array_equal(without, drawn(draw_curves(rows)))


@pytest.mark.parametrize("shape", [(2, 1), (3, 2), (118, 12)])
def test_curves_of_folds(shape: tuple[int, int]) -> None:
    accuracies = np.random.default_rng(0).random(shape)
    first = drawn(draw_fold_curves(accuracies, 1))
    assert first.shape[1] > 1.5 * first.shape[0]


def scores(classes: int, images: int, seed: int = 0, names: str = "abcdefgh") -> Scores:
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(classes), images)
    targets = np.eye(classes, dtype=np.float32)[generator.integers(0, classes, images)]
    return score(probabilities, targets, tuple(names[:classes]))


@pytest.mark.parametrize("classes", [2, 8])
def test_the_confusion_matrix_has_a_cell_for_each_pair(classes: int) -> None:
    small, large = (drawn(draw_confusion_matrix(scores(n, 50))) for n in (2, classes))
    assert (large.shape[0] > small.shape[0]) == (classes > 2)


@pytest.mark.parametrize("images", [1, 50])
def test_reliability_and_coverage(images: int) -> None:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(8), images)
    targets = np.eye(8, dtype=np.float32)[generator.integers(0, 8, images)]
    drawn(draw_reliability(reliability(probabilities, targets), 0.1))
    drawn(draw_coverage(coverage_curve(probabilities, targets)))


@pytest.mark.parametrize("count", [2, 12])
def test_a_line_for_each_model(count: int) -> None:
    names = [f"model $x_{n}$ {'long ' * 20}" for n in range(count)]
    few = drawn(draw_comparison(names, [scores(8, 50, seed) for seed in range(count)]))
    one = drawn(draw_comparison(names[:1], [scores(8, 1)]))
    assert few.shape[0] > one.shape[0]
    assert few.shape[1] == one.shape[1]


@pytest.mark.parametrize("count", [1, 12])
def test_a_line_for_each_group(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_resampling, "RESAMPLES", 20)
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(7), 60)
    targets = np.eye(7, dtype=np.float32)[generator.integers(0, 7, 60)]
    names = np.array([f"group\n$x_{n}$ {'long ' * 20}" for n in range(count)])
    many = drawn(draw_groups(compare_groups(probabilities, targets, np.resize(names, 60), "g")))
    one = drawn(draw_groups(compare_groups(probabilities, targets, np.full(60, ""), "g")))
    assert (many.shape[0] > one.shape[0]) == (count > 1)
    assert many.shape[1] == one.shape[1]


def test_labels_outside_ascii() -> None:
    """Matplotlib would warn of characters that its font lacks; the last one is in none."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn(draw_confusion_matrix(scores(3, 50, names="aü\U000f0000")))
