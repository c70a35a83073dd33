import inspect
from pathlib import Path
from typing import Any

import pytest
from helpers.example_trials import FakeTrainer
from helpers.run_folders import make_run

from emorec.api.experiments import compare_runs, resume_tuning, tune
from emorec.errors import ConfigError, DataError, MissingDependencyError
from emorec.training import tuning
from emorec.training.config import TrainConfig, read_config

SPACE = {"learning_rate": {"factor": 5}, "dropout": {"low": 0, "high": 0.5}}
QUICK: dict[str, Any] = {"arch": "nano", "epochs": 4, "image_size": 24, "limit": 50}


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> FakeTrainer:
    """Stands for the process that trains the trials."""
    pytest.importorskip("optuna")
    fake = FakeTrainer()

    class Process:
        def __init__(self, log: Path) -> None:
            self.run = fake

        def close(self) -> None:
            pass

    monkeypatch.setattr(tuning, "TrialProcess", Process)
    return fake


@pytest.mark.slow
def test_a_search(trainer: FakeTrainer, tiny_data: Path, tmp_path: Path):
    """The settings of keywords are fixed, and the result is the configuration of a training."""
    reports: list[Any] = []
    found = tune(
        *("quick",),
        **{"data": str(tiny_data), "out": str(tmp_path), "space": SPACE, "trials": 3},
        **{"objective": "macro_f1", "progress": reports.append, "dropout": 0.25, **QUICK},
    )
    assert found.folder.parent == tmp_path
    assert [list(trial.settings) for trial in found.trials] == [["learning_rate"]] * 3
    assert {job["config"]["dropout"] for job in trainer.jobs} == {0.25}
    assert {job["objective"] for job in trainer.jobs} == {"macro_f1"}
    assert found.best is not None
    best = read_config(found.folder / "best.yaml")
    assert (best.arch, best.learning_rate) == ("nano", found.best.settings["learning_rate"])
    assert [report.number for report in reports if report.ended] == [1, 2, 3]
    # It is extended, and its time changed, by what is named alone.
    assert len(resume_tuning(str(found.folder)).trials) == 3
    more = resume_tuning(found.folder, trials=4, progress=reports.append)
    assert (len(more.trials), more.plan.trials, more.plan.seconds) == (4, 4, None)
    assert resume_tuning(found.folder, seconds=1e-9, trials=5).out_of_time


@pytest.mark.slow
def test_ctrl_c_and_another_try(trainer: FakeTrainer, tiny_data: Path, tmp_path: Path):
    trainer.end_in[2] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        tune("quick", data=tiny_data, out=tmp_path, trials=2, **QUICK)
    (folder,) = tmp_path.iterdir()
    assert [trial.number for trial in resume_tuning(folder).trials] == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "settings", "searched", "free"),
    [
        ("finetune", {"arch": "nano"}, "layer_decay", True),
        ("quick", {}, "layer_decay", False),
        ({"arch": "nano", "dropout": 0.1}, {}, "dropout", True),
        (TrainConfig(arch="nano"), {"dropout": 0.1}, "dropout", False),
    ],
)
def test_what_is_searched(
    trainer: FakeTrainer,
    tiny_data: Path,
    tmp_path: Path,
    config: Any,
    settings: dict[str, Any],
    searched: str,
    free: bool,
):
    """The search space is that of the recipe; a mapping is as a file, whose settings are free."""
    named = {"epochs": 4, "image_size": 24, **settings}
    found = tune(config, data=tiny_data, out=tmp_path, trials=1, **named)
    assert (searched in found.trials[0].settings) == free


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"space": {"epochs": {"factor": -1}}}, ConfigError, "space: epochs: factor must be more"),
        ({"space": "none.yaml"}, ConfigError, "none.yaml: cannot read"),
        ({"space": {}}, ConfigError, "space: nothing is left to search"),
        ({"trials": 0}, ConfigError, "number of trials must be 1 to 1000; received 0"),
        ({"seconds": 0}, ConfigError, "the time must be more than 0 s; received 0 s"),
        ({"objective": "speed"}, ConfigError, "objective must be one of accuracy, .*'speed'"),
        ({"epoch": 3}, ConfigError, "unknown key 'epoch'; did you mean 'epochs'"),
        ({"data": "none"}, DataError, "no such folder"),
    ],
)
def test_what_is_wrong(
    trainer: FakeTrainer, tiny_data: Path, tmp_path: Path, options: dict[str, Any], error, message
):
    options = {"data": tiny_data, **options}
    with pytest.raises(error, match=message):
        tune("quick", out=tmp_path / "out", **options)
    assert trainer.jobs == []
    assert not list(tmp_path.glob("out/*"))


def test_no_search(tmp_path: Path):
    with pytest.raises(DataError, match=r"no search: it holds no tuning\.yaml"):
        resume_tuning(tmp_path)


def test_without_optuna(monkeypatch: pytest.MonkeyPatch, tiny_data: Path):
    def run(*_words: Any, **_named: Any) -> None:
        raise ModuleNotFoundError("No module named 'optuna'", name="optuna")

    monkeypatch.setattr(tuning, "tune", run)
    with pytest.raises(MissingDependencyError, match=r"the search needs the package .*tune\]"):
        tune("quick", data=tiny_data, **QUICK)


def test_no_setting_has_the_name_of_a_parameter():
    assert not set(inspect.signature(tune).parameters) & set(TrainConfig.model_fields)


def test_runs_are_compared(tmp_path: Path):
    first = make_run(tmp_path / "a")
    second = make_run(tmp_path / "b", settings="epochs: 3\nlearning_rate: 0.25")
    found = compare_runs([str(first), second])
    assert found.names == ["a", "b"]
    assert found.differences == {"learning_rate": ["0.01", "0.25"]}
    with pytest.raises(DataError, match="not a run folder"):
        compare_runs([tmp_path])
