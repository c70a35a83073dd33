import pytest

from emorec.training.config import TrainConfig, validated
from emorec.training.estimate import Estimate, Rates, StageWork, estimate_stage
from emorec.training.shortening import Shortening, shortenings

SPEED = Rates(1e8)


def settings(**changes: object) -> TrainConfig:
    return validated({"epochs": 40, **changes}, "the test")


def found(
    config: TrainConfig, *works: StageWork, minimum: int = 32, **machine: bool
) -> dict[str, Shortening]:
    stages = tuple(estimate_stage(work, SPEED) for work in works)
    ways = shortenings(Estimate(100.0, stages, 50.0), works, config, minimum, **machine)
    seconds = [way.seconds for way in ways if way.seconds is not None]
    assert seconds == sorted(seconds)
    return {way.option: way for way in ways}


def test_a_network_that_trains_whole() -> None:
    ways = found(settings(), StageWork(96, 40, 28_000, 3500, 1e6, 1.0))
    assert set(ways) == {"--image-size 48", "--limit 7000", "--epochs 10"}
    # Training: 28,000 images, 5 passes each; validation: 3,500, one pass each; 1e-2 s a pass.
    whole = 40 * (28_000 * 5 + 3500) * 0.01
    assert ways["--image-size 48"].seconds == pytest.approx(150 + whole / 4)
    assert ways["--epochs 10"].seconds == pytest.approx(150 + whole / 4)
    assert ways["--limit 7000"].seconds == pytest.approx(150 + 40 * (7000 * 5 + 3500) * 0.01)
    assert "4.0" in ways["--image-size 48"].effect


@pytest.mark.parametrize(
    ("changes", "views", "share", "cached"),
    [
        ({}, 0, 0.01, True),
        ({"mixup": 0.2}, 0, 0.01, False),
        ({}, 1, 0.01, False),
        ({}, 0, 1.0, False),
    ],
)
def test_the_feature_cache(
    changes: dict[str, object], views: int, share: float, cached: bool
) -> None:
    ways = found(settings(**changes), StageWork(48, 40, 28_000, 3500, 1e6, share, views))
    assert ("--feature-cache" in ways) is cached
    if cached:
        # One pass over the frozen layers instead of forty.
        assert ways["--feature-cache"].seconds == pytest.approx(
            150 + (0.99 * 31_500 + 40 * (0.05 * 28_000 + 0.01 * 3500)) * 0.01
        )


def test_the_size_is_none_that_the_architecture_refuses() -> None:
    work = StageWork(96, 40, 28_000, 3500, 1e6, 1.0)
    assert "--image-size 71" in found(settings(), work, minimum=71)
    small = StageWork(48, 40, 28_000, 3500, 1e6, 1.0)
    assert not any("image-size" in option for option in found(settings(), small))


def test_a_run_that_cannot_be_shorter() -> None:
    assert found(settings(epochs=1), StageWork(48, 1, 1, 1, 1e6, 1.0)) == {}


def test_epochs_of_the_last_stage_alone() -> None:
    head = StageWork(48, 3, 1000, 100, 1e6, 0.01)
    rest = StageWork(48, 40, 1000, 100, 1e6, 1.0)
    ways = found(settings(mixup=0.2), head, rest)
    expected = 150 + 3 * (1000 * 1.04 + 100) * 0.01 + 10 * (1000 * 5 + 100) * 0.01
    assert ways["--epochs 10"].seconds == pytest.approx(expected)


def test_on_a_processor_with_bfloat16() -> None:
    work, machine = StageWork(48, 1, 1, 1, 1e6, 1.0), {"on_cpu": True, "has_bfloat16": True}
    ways = found(settings(epochs=1), work, **machine)
    assert list(ways) == ["--precision auto", "a GPU"]
    assert all(way.seconds is None for way in ways.values())
    config = settings(epochs=1, precision="bfloat16")
    assert list(found(config, work, **machine)) == ["a GPU"]
