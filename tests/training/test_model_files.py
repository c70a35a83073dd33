from pathlib import Path

import pytest

from emorec import resources
from emorec.errors import ModelError
from emorec.training.config import TrainConfig
from emorec.training.model_files import with_model_files


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


def test_names_of_shipped_models() -> None:
    config = with_model_files(TrainConfig(weights="emorec-nano", teacher=("emorec-compact",)))
    models = resources.shipped_model().parent
    assert config.weights == str(models / "emorec-nano.keras")
    assert config.teacher == (str(models / "emorec-compact.onnx"),)


@pytest.mark.parametrize("setting", ["teacher", "weights"])
def test_a_missing_model_is_named(setting: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "none.keras")
    value = (missing,) if setting == "teacher" else missing
    with pytest.raises(ModelError, match=r"none\.keras: no such model file"):
        with_model_files(TrainConfig(**{setting: value}))
