import json

import pytest

from emorec.training.estimate import (
    Estimate,
    Rates,
    StageEstimate,
    StageWork,
    estimate_stage,
    evaluation_factor,
    finish_seconds,
)

WHOLE = StageWork(96, 10, 1000, 100, 2e6, 1.0)
HEAD = StageWork(96, 10, 1000, 100, 2e6, 0.01)
CACHED = StageWork(96, 10, 1000, 100, 2e6, 0.01, views=2)


@pytest.mark.parametrize(
    ("work", "features", "training", "validation"),
    [
        (WHOLE, 0, 2e9 * 5, 2e8),
        (HEAD, 0, 2e9 * 1.04, 2e8),
        (CACHED, 1.98e6 * 2100, 2e9 * 0.05, 2e6),
    ],
)
def test_work_of_a_stage(
    work: StageWork, features: float, training: float, validation: float
) -> None:
    assert work.features == pytest.approx(features)
    assert work.training == pytest.approx(training)
    assert work.validation == pytest.approx(validation)


def test_a_stage_at_the_speed_of_another_one() -> None:
    stage = estimate_stage(WHOLE, Rates(1e8))
    assert (stage.train_seconds, stage.validation_seconds) == (100, 2)
    assert (stage.feature_seconds, stage.seconds) == (0, 1020)
    cached = estimate_stage(CACHED, Rates(1e8), features_left=0.5)
    assert cached.feature_seconds == pytest.approx(1.98e6 * 2100 / 1e8 / 2)


def test_measured_times_replace_the_calculated_ones() -> None:
    stage = estimate_stage(WHOLE, Rates(1e8, 40.0))
    assert (stage.train_seconds, stage.validation_seconds) == (40, 0.8)
    stage = estimate_stage(WHOLE, Rates(1e8, 40.0, 7.0))
    assert (stage.epoch_seconds, stage.seconds) == (47, 470)


def test_an_estimate_is_the_sum_of_its_parts() -> None:
    stages = (StageEstimate(96, 3, 0.0, 10.0, 2.0), StageEstimate(96, 2, 5.0, 30.0, 2.0))
    estimate = Estimate(20.0, stages, 15.0)
    assert (estimate.epochs, estimate.seconds) == (5, 20 + 36 + 69 + 15)
    assert json.loads(json.dumps(estimate.to_dict()))["stages"][1] == {
        "image_size": 96,
        "epochs": 2,
        "feature_seconds": 5.0,
        "epoch_seconds": 32.0,
    }


def test_the_end_takes_longer_on_a_busy_machine() -> None:
    assert finish_seconds(4, 10) == 4 + 8 + 10
    assert finish_seconds(4, 10, load=3) == 4 + 8 + 30


@pytest.mark.parametrize(
    ("precision", "flip_average", "factor"),
    [("float32", False, 1), ("float32", True, 2), ("bfloat16", True, 6)],
)
def test_evaluation_factor(precision: str, flip_average: bool, factor: float) -> None:
    assert evaluation_factor(precision, flip_average) == factor
