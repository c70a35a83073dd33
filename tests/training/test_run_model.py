from pathlib import Path

import numpy as np
import pytest

from emorec.errors import ModelError
from emorec.training.config import TrainConfig
from emorec.training.config_groups import ModelConfig
from emorec.training.run_model import build, with_model_files

SHAPE = (None, 24, 24, 1)


def test_the_seed_decides_the_initial_weights() -> None:
    config = ModelConfig(image_size=16)
    first, again, other = (build(config, 7, seed).get_weights() for seed in (1, 1, 2))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert any(not np.array_equal(one, two) for one, two in zip(first, other, strict=True))


def test_models_are_resolved_to_the_absolute_paths_of_their_files(
    tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_run.parent)
    named = tiny_run.name
    config = with_model_files(TrainConfig(teacher=(named, f"{named}/model.keras"), weights=named))
    assert config.teacher == (str(tiny_run / "model.onnx"), str(tiny_run / "model.keras"))
    assert config.weights == str(tiny_run / "model.keras")
    assert with_model_files(config) == config


@pytest.mark.parametrize("weights", ["none", "imagenet", "emorec"])
def test_keywords_name_no_file(weights: str) -> None:
    config = TrainConfig(weights=weights)
    assert with_model_files(config) == config


def test_the_included_probabilities_of_teachers() -> None:
    config = with_model_files(TrainConfig(teacher_probabilities="emorec"))
    path = Path(str(config.teacher_probabilities))
    assert path.is_file()
    assert path.name == "teacher_probabilities.csv.gz"
    assert with_model_files(config) == config


@pytest.mark.parametrize("setting", ["teacher", "weights"])
def test_a_missing_model_is_named(setting: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "none.keras")
    value = (missing,) if setting == "teacher" else missing
    with pytest.raises(ModelError, match=r"none\.keras: no such model file"):
        with_model_files(TrainConfig(**{setting: value}))
