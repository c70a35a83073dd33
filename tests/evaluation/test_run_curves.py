"""The learning curves of several runs."""

import cv2
import numpy as np
import pytest

from emorec.evaluation.run_curves import draw_run_curves


def history(epochs: int, rate: float = 0.1, accuracy: float = 0.5) -> list[dict[str, float]]:
    return [
        {
            "epoch": float(epoch),
            "learning_rate": rate,
            "accuracy": accuracy,
            "loss": 1.5,
            "val_accuracy": accuracy * epoch / epochs,
            "val_loss": 1.2,
        }
        for epoch in range(1, epochs + 1)
    ]


def pixels(png: bytes) -> np.ndarray:
    found = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return found


def has(image: np.ndarray, color: str) -> bool:
    wanted = [int(color[place : place + 2], 16) for place in (5, 3, 1)]
    return bool((image == wanted).all(axis=2).any())


def test_runs_without_epochs_are_drawn_without_curves() -> None:
    image = pixels(draw_run_curves(["killed"], [[]], [None]))
    assert image.std() > 0


def test_each_run_has_a_color() -> None:
    image = pixels(draw_run_curves(["a", "b$_x$"], [history(5), history(3, 0.001)], [5, None]))
    assert has(image, "#0072B2")
    assert has(image, "#D55E00")
    assert not has(image, "#009E73")


def test_a_cross_validation_has_a_curve_of_its_accuracy_alone() -> None:
    rows = [{"epoch": 1.0, "val_accuracy": 0.3}, {"epoch": 2.0, "val_accuracy": 0.4}]
    assert has(pixels(draw_run_curves(["folds"], [rows], [2])), "#0072B2")


@pytest.mark.slow
def test_twenty_runs_fit_and_a_huge_loss_does_not_set_the_scale() -> None:
    runs = [history(30, accuracy=0.3 + 0.02 * number) for number in range(20)]
    names = [f"run-with-a-name-that-is-rather-long-so-that-it-is-cut-{n}" for n in range(20)]
    image = pixels(draw_run_curves(names, runs, [30] * 20))
    runs[0][0]["val_loss"] = 1e6
    cut = pixels(draw_run_curves(names, runs, [30] * 20))
    assert image.shape == cut.shape
    assert all(has(cut, color) for color in ("#56B4E9", "#000000"))
