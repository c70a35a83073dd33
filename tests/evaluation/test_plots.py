from pathlib import Path

import cv2
import numpy as np
import pytest

from emorec.errors import DataError
from emorec.evaluation.calibration import reliability
from emorec.evaluation.metrics import score
from emorec.evaluation.plots import draw_confusion_matrix, draw_curves, draw_reliability


def row(epoch: int) -> dict[str, float]:
    gain = 1 - 1 / epoch
    return {
        "epoch": epoch,
        "accuracy": gain,
        "val_accuracy": gain,
        "loss": 1 / epoch,
        "val_loss": 2 / epoch,
    }


def drawn(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path))
    assert picture.std() > 5
    return picture


@pytest.mark.parametrize("epochs", [1, 2, 30])
def test_curves(tmp_path: Path, epochs: int) -> None:
    draw_curves([row(epoch + 1) for epoch in range(epochs)], tmp_path / "curves.png")
    height, width = drawn(tmp_path / "curves.png").shape[:2]
    assert width > 2 * height


def test_confusion_matrix_and_reliability(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(8), 50)
    targets = np.eye(8, dtype=np.float32)[generator.integers(0, 8, 50)]
    scores = score(probabilities, targets, tuple("abcdefgh"))
    draw_confusion_matrix(scores, tmp_path / "matrix.png")
    draw_reliability(reliability(probabilities, targets), 0.1, tmp_path / "reliability.png")
    drawn(tmp_path / "matrix.png")
    drawn(tmp_path / "reliability.png")


def test_a_place_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"curves\.png: cannot write"):
        draw_curves([row(1)], tmp_path / "no" / "curves.png")
