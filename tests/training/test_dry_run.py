from pathlib import Path

import pytest
from helpers.everything import quick_compact, settings

from emorec.errors import DataError
from emorec.training.dry_run import dry_run, peak_memory


@pytest.mark.parametrize(
    ("changes", "epochs"),
    [
        pytest.param({"epochs": 4}, [4], marks=pytest.mark.slow),
        ({"epochs": 4, "batch_size": 84, "mix_off_epochs": 0}, [4]),  # one step an epoch
    ],
)
def test_a_dry_run_estimates_and_writes_nothing(
    tiny_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, object],
    epochs: list[int],
) -> None:
    monkeypatch.chdir(tmp_path)
    steps: list[str] = []
    with quick_compact():
        found = dry_run(
            settings(**changes), tiny_data, step_progress=lambda name, *_: steps.append(name)
        )
    assert list(tmp_path.iterdir()) == []
    assert steps[-1] == "measuring the first steps"
    assert [stage.epochs for stage in found.estimate.stages] == epochs
    assert 0 < found.estimate.stages[0].epoch_seconds < 60
    assert 0 < found.estimate.setup_seconds < found.estimate.seconds
    assert (found.train_images, found.validation_images) == (84, 42)
    assert found.image_bytes == (84 + 42) * 24 * 24
    peak = peak_memory()
    assert peak is None or 0.5 * peak < (found.memory_bytes or 0) < peak + 1e9


def test_features_are_sampled_and_scaled(tiny_data: Path) -> None:
    changes = {"trainable_layers": 0, "feature_cache": True, "mixup": 0.0, "cutmix": 0.0}
    with quick_compact():
        found = dry_run(settings(**changes), tiny_data)
    assert found.estimate.stages[0].feature_seconds > 0


def test_a_data_set_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        dry_run(settings(), tmp_path / "none")


def test_peak_memory_is_that_of_a_process_with_numpy() -> None:
    peak = peak_memory()
    assert peak is None or 2e7 < peak < 1e12
