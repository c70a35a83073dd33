from typing import Any

import numpy as np
import pytest

from emorec.training.config_groups import LearningRateConfig
from emorec.training.learning_rate import learning_rate

EPOCHS, STEPS = 10, 20


def rate(step: int, **settings: Any) -> float:
    found = learning_rate(LearningRateConfig(**settings), 0.4, EPOCHS, STEPS)
    return float(found(np.float32(step)) if callable(found) else found)


COSINE = {"schedule": "cosine"}
STEP = {"schedule": "step", "step_epochs": 3, "step_factor": 0.5}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {0: 0.4, 199: 0.4}),
        ({"warmup_epochs": 0.45}, {0: 0.04, 4: 0.2, 9: 0.4, 199: 0.4}),
        # The warm-up takes a tenth of a run at most.
        ({"warmup_epochs": 50}, {0: 0.4 / 21, 9: 0.4 * 10 / 21, 19: 0.4 * 20 / 21, 20: 0.4}),
        (COSINE, {0: 0.4, 100: 0.2, 50: 0.2 * (1 + np.sqrt(0.5)), 200: 0}),
        ({**COSINE, "warmup_epochs": 1}, {9: 0.4 * 10 / 21, 20: 0.4, 110: 0.2, 200: 0}),
        (STEP, {0: 0.4, 59: 0.4, 60: 0.2, 120: 0.1}),
        ({**STEP, "warmup_epochs": 1}, {9: 0.4 * 10 / 21, 20: 0.4, 79: 0.4, 80: 0.2}),
    ],
)
def test_the_rate_over_the_steps(settings: dict[str, Any], expected: dict[int, float]) -> None:
    assert {step: rate(step, **settings) for step in expected} == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("steps", [1, 5, 9, 10, 24, 3000])
@pytest.mark.parametrize("warmup_epochs", [0.5, pytest.param(3, marks=pytest.mark.slow)])
def test_a_run_of_any_length_learns_after_a_short_warm_up(steps: int, warmup_epochs: float) -> None:
    config = LearningRateConfig(schedule="cosine", warmup_epochs=warmup_epochs)
    found = learning_rate(config, 0.4, 1, steps)
    rates = [float(found(np.float32(step))) for step in range(steps)]
    assert rates[0] > 0
    assert max(rates) == pytest.approx(0.4)
    assert rates.index(max(rates)) <= steps / 10
