import csv
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.example_trials import CONFIG, SPACE, plan, record

from emorec.errors import ConfigError, DataError
from emorec.training.config import read_config
from emorec.training.tuning_folder import (
    create,
    finish_command,
    read_plan,
    rewrite_plan,
    train_command,
    write_trials,
)


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    for changes in ({}, {"seconds": 90.5, "pruning": False, "objective": "loss"}):
        folder = create(tmp_path, plan(**changes))
        assert folder.name.endswith("-compact-tuning") or "-tuning-" in folder.name
        assert read_plan(folder) == plan(**changes)
    assert rewrite_plan(folder, plan(), trials=9).trials == 9
    assert read_plan(folder) == plan(trials=9)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"objective": "speed"},
        {"objective": None},
        {"trials": 0},
        {"trials": 10**6},
        {"trials": "5"},
        {"seconds": -1},
        {"seconds": "1h"},
        {"pruning": "yes"},
        {"space": {}},
        {"space": {"weights": {"choices": ["a"]}}},
        {"config": {"epochs": 0}},
        {"config": {"unknown": 1}},
    ],
)
def test_a_damaged_plan(tmp_path: Path, changes: dict[str, Any]) -> None:
    content = {**yaml.safe_load(plan().to_yaml()), **changes}
    (tmp_path / "tuning.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match=r"tuning\.yaml"):
        read_plan(tmp_path)


def test_no_search(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no search"):
        read_plan(tmp_path)


def test_the_files_of_trials(tmp_path: Path) -> None:
    write_trials(tmp_path, plan(), ())
    assert len((tmp_path / "trials.csv").read_text().splitlines()) == 1
    assert not (tmp_path / "best.yaml").exists()
    trials = (record(1, 0.5), record(2, None), record(3, 0.7, dropout=0.25))
    write_trials(tmp_path, plan(), trials)
    with (tmp_path / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["complete", "pruned", "complete"]
    assert [row["accuracy"] for row in rows] == ["0.5000", "", "0.7000"]
    assert float(rows[2]["learning_rate"]) == pytest.approx(0.3)
    assert list(rows[0])[-3:] == [each.name for each in SPACE]
    best = read_config(tmp_path / "best.yaml")
    assert (best.dropout, best.epochs) == (0.25, CONFIG.epochs)
    assert "trial 3, validation accuracy 0.7000" in (tmp_path / "best.yaml").read_text()


def test_commands(tmp_path: Path) -> None:
    assert train_command(Path("a b"), plan()) == (
        "emorec train --data '/data/FER<b>' --config 'a b/best.yaml'"
    )
    assert finish_command(Path("a"), record(3, 0.5)) == "emorec train --resume a/trial-003"
