from typing import Any

import keras
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
        ({"warmup_epochs": 2}, {0: 0, 10: 0.1, 40: 0.4, 199: 0.4}),
        # A short run keeps half its steps for the full rate.
        ({"warmup_epochs": 50}, {0: 0, 50: 0.2, 100: 0.4}),
        (COSINE, {0: 0.4, 100: 0.2, 50: 0.2 * (1 + np.sqrt(0.5)), 200: 0}),
        ({**COSINE, "warmup_epochs": 2}, {10: 0.1, 40: 0.4, 120: 0.2, 200: 0}),
        (STEP, {0: 0.4, 59: 0.4, 60: 0.2, 120: 0.1}),
        ({**STEP, "warmup_epochs": 1}, {10: 0.2, 20: 0.4, 79: 0.4, 80: 0.2}),
    ],
)
def test_the_rate_over_the_steps(settings: dict[str, Any], expected: dict[int, float]) -> None:
    assert {step: rate(step, **settings) for step in expected} == pytest.approx(expected, abs=1e-6)


def test_the_warm_up_of_the_cosine_has_the_rates_of_keras() -> None:
    warmup, total = 2 * STEPS, EPOCHS * STEPS
    kerass = keras.optimizers.schedules.CosineDecay(
        0.0, total - warmup, warmup_target=0.4, warmup_steps=warmup
    )
    steps = range(0, total + 1, 7)
    expected = [float(kerass(np.float32(step))) for step in steps]
    found = [rate(step, **COSINE, warmup_epochs=2) for step in steps]
    assert found == pytest.approx(expected, abs=1e-6)
