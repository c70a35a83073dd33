import inspect
import json
import os
from pathlib import Path

import pytest
import yaml

from emorec.api.evaluations import evaluate
from emorec.api.runs import cross_validate, load_train_config, resume_training, train
from emorec.errors import ConfigError, DataError
from emorec.inference.recognizer import EmotionRecognizer
from emorec.json_files import read_json
from emorec.training import cross_validation, runner
from emorec.training.config import TrainConfig, load_config
from emorec.training.run_folder import METRICS

QUICK = load_config(None, {}, recipe="quick")


@pytest.mark.parametrize("kind", [str, Path])
def test_the_settings_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind):
    monkeypatch.chdir(tmp_path)
    for name in ("own.yaml", "own", "sub/own"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("arch: nano\nepochs: 4\n")
        config = load_train_config(kind(name), seed=3)
        assert config == TrainConfig(arch="nano", epochs=4, seed=3)


def test_the_settings_of_a_recipe():
    assert load_train_config("quick") == QUICK
    assert load_train_config("quick", epochs=3) == QUICK.model_copy(update={"epochs": 3})
    assert load_train_config("laptop", arch="vgg16").arch == "vgg16"


def test_the_recipe_of_an_architecture_counts():
    expected = load_config(None, {"arch": "vgg16", "epochs": 2})
    assert load_train_config(arch="vgg16", epochs=2) == expected
    assert load_train_config({"arch": "vgg16", "epochs": 5}, epochs=2) == expected
    assert load_train_config() == load_config(None, {})


def test_a_configuration_is_kept():
    config = TrainConfig(arch="nano", epochs=4)
    assert load_train_config(config) == config
    assert load_train_config(config, epochs=5) == TrainConfig(arch="nano", epochs=5)
    assert yaml.safe_load(load_train_config(config).to_yaml())["epochs"] == 4


def test_paths_of_models_are_settings():
    config = load_train_config(
        QUICK, weights=Path("a/model.keras"), teacher=[Path("b"), "c"], teacher_weight=0.5
    )
    assert (config.weights, list(config.teacher)) == (str(Path("a/model.keras")), ["b", "c"])


@pytest.mark.parametrize(
    ("config", "settings", "message"),
    [
        ("quik", {}, "unknown recipe 'quik'; did you mean 'quick'"),
        ("nope.yaml", {}, "nope.yaml: cannot read: No such file"),
        (Path("a/nope"), {}, "nope: cannot read: No such file"),
        (3, {}, "config must be a TrainConfig, a mapping, .*; received 3"),
        (None, {"epoch": 3}, "unknown key 'epoch'; did you mean 'epochs'"),
        ({"epochs": 0}, {}, "epochs: Input should be greater than or equal to 1; received 0"),
        (QUICK, {"epochs": "ten"}, "epochs: Input should be a valid integer"),
        (QUICK, {"augmentation": {"zom": 1}}, "did you mean 'zoom'"),
    ],
)
def test_settings_that_are_wrong(config, settings, message):
    with pytest.raises(ConfigError, match=message):
        load_train_config(config, **settings)


def test_no_setting_has_the_name_of_a_parameter():
    functions = (train, cross_validate, load_train_config)
    names = {name for each in functions for name in inspect.signature(each).parameters}
    assert not names & set(TrainConfig.model_fields)


def test_a_run_is_a_model(tiny_run: Path, tiny_data: Path):
    """The fixture has trained it with `train`."""
    metrics = read_json(tiny_run / METRICS)
    assert evaluate(tiny_run, tiny_data).scores.accuracy == pytest.approx(metrics["accuracy"])
    recognizer = EmotionRecognizer("whole-image", model=tiny_run)
    image = next(tiny_data.glob("train/happy/*.png"))
    assert recognizer.recognize(image)[0].emotion in recognizer.labels


def test_a_finished_run_is_not_resumed(tiny_run: Path):
    assert resume_training(str(tiny_run)) is None


def test_the_arguments_of_a_run(monkeypatch: pytest.MonkeyPatch, tiny_data: Path, tiny_run: Path):
    """The library is called with the resolved settings, and without TensorFlow's messages."""
    received, configured = [], []
    monkeypatch.setattr("emorec.training.onednn.configure_onednn", configured.append)
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    for name in ("train", "resume"):
        monkeypatch.setattr(runner, name, lambda *words, **named: received.append((words, named)))
    train("quick", data=str(tiny_data), out="models", progress=print, epochs=3)
    resume_training(str(tiny_run), data="moved", step_progress=print)
    resume_training(tiny_run)
    nothing = {"progress": None, "step_progress": None, "estimate": None}
    settings = QUICK.model_copy(update={"epochs": 3})
    assert received == [
        (
            (settings, tiny_data, Path("models")),
            {**nothing, "progress": print, "tensorboard": False, "track": ()},
        ),
        ((tiny_run, Path("moved")), {**nothing, "step_progress": print}),
        ((tiny_run, None), nothing),
    ]
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3"
    assert configured == ["compact"] * 3


def test_the_arguments_of_a_cross_validation(
    monkeypatch: pytest.MonkeyPatch, tiny_data: Path, tmp_path: Path
):
    received = []
    for name in ("cross_validate", "resume_cross_validation"):
        monkeypatch.setattr(
            cross_validation, name, lambda *words, **named: received.append((words, named))
        )
    cross_validate("quick", data=str(tiny_data), folds=3, out="models", progress=print, epochs=3)
    settings = QUICK.model_copy(update={"epochs": 3})
    (tmp_path / "config.yaml").write_text(QUICK.to_yaml())
    description = {"data": "data", "data_fingerprint": "", "keras_backend": "tensorflow"}
    (tmp_path / "environment.json").write_text(json.dumps(description))
    (tmp_path / "folds.json").write_text("{}")
    resume_training(tmp_path / "fold-02", data="moved", step_progress=print)
    assert received == [
        (
            (settings, tiny_data, Path("models"), 3),
            {"progress": print, "step_progress": None, "tensorboard": False, "track": ()},
        ),
        ((tmp_path.resolve(), Path("moved")), {"step_progress": print}),
    ]


def test_no_data_set(tmp_path: Path):
    with pytest.raises(DataError, match="no such folder"):
        train("quick", data=tmp_path / "nope", out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
