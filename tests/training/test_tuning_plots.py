import cv2
import numpy as np
import pytest
from helpers.example_trials import SPACE, record

from emorec.training.tuning_plots import draw_importances, draw_slices, draw_trials

TRIALS = (record(1, 0.5), record(2, None), record(3, 0.7, batch_size=128))

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("trials", [TRIALS[:1], TRIALS])
@pytest.mark.parametrize("objective", ["accuracy", "loss"])
def test_plots_are_images(trials: tuple, objective: str) -> None:
    for png in (draw_trials(trials, objective), draw_slices(trials, SPACE, objective)):
        image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
        assert image.shape[1] > 900
        assert image.std() > 5


def test_a_bar_for_each_setting() -> None:
    heights = [
        cv2.imdecode(np.frombuffer(draw_importances(shares), np.uint8), 1).shape[0]
        for shares in ({"a": 1.0}, {"a": 0.7, "b": 0.3})
    ]
    assert heights[0] < heights[1]
