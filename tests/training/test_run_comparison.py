"""Comparing runs."""

import json
from pathlib import Path

import pytest
from helpers.run_folders import make_run, predictions

from emorec.errors import ConfigError, DataError
from emorec.training.run_comparison import HEAD, MOST_RUNS, compare_runs, figure_rows


def test_the_number_of_runs_is_limited(tmp_path: Path) -> None:
    for folders in ([], [tmp_path] * (MOST_RUNS + 1)):
        with pytest.raises(ConfigError, match=f"takes 1 to 20 runs; received {len(folders)}"):
            compare_runs(folders)


def test_equal_runs_do_not_differ(tmp_path: Path) -> None:
    found = compare_runs([make_run(tmp_path / "a"), make_run(tmp_path / "b")])
    assert found.differences == {}
    assert (found.names, found.data_sets, found.is_on_different_data) == (["a", "b"], [1, 1], False)
    assert found.tests == []


def test_only_the_settings_that_differ_are_listed(tmp_path: Path) -> None:
    first = make_run(tmp_path / "a")
    second = make_run(tmp_path / "b", settings="epochs: 3\nlearning_rate: 0.25", fingerprint="x")
    found = compare_runs([first, second])
    assert found.differences == {
        "learning_rate": ["0.01", "0.25"],
        "data": ["/data/abc", "/data/x"],
    }
    assert (found.data_sets, found.is_on_different_data) == ([1, 2], True)


def test_a_run_is_compared_with_others(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a")
    with pytest.raises(ConfigError, match="named twice"):
        compare_runs([run, tmp_path / "a/../a"])
    with pytest.raises(DataError, match="not a run folder"):
        compare_runs([run, tmp_path])


def test_runs_of_one_name_are_named_by_their_paths(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / "x/run"), make_run(tmp_path / "y/run")]
    assert compare_runs(folders).names == [str(folder) for folder in folders]


def test_cross_validations_of_the_same_images_are_tested(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / name, folds=2) for name in "ab"]
    folders.append(make_run(tmp_path / "c"))
    (folders[1] / "predictions.csv").write_text(predictions("a.png,sad,sad", "b.png,happy,happy"))
    found = compare_runs(folders)
    facts = json.loads(json.dumps(found.to_dict()))
    assert facts["mcnemar"] == [
        {"first": 0, "second": 1, "only_first": 0, "only_second": 1, "p_value": 1.0}
    ]
    assert [run["folds"] for run in facts["runs"]] == [2, 2, None]
    assert facts["runs"][2]["history"][0]["val_loss"] == 1.6


def test_the_rows_of_the_table(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / "a"), make_run(tmp_path / "b", finished=False, fingerprint="x")]
    (folders[1] / "environment.json").unlink()
    rows = figure_rows(compare_runs(folders), lambda seconds: f"{seconds:g} s")
    assert [dict(zip(HEAD, row, strict=True)) for row in rows] == [
        {
            "": "1",
            "run": "a",
            "state": "finished",
            "data": "1",
            "best epoch": "2 of 3",
            "accuracy": "0.5000",
            "95 %": "0.4500 to 0.5500",
            "macro F1": "0.3000",
            "loss": "1.2500",
            "calibration error": "0.0400",
            "parameters": "1,000",
            "duration": "90.5 s",
        },
        {
            "": "2",
            "run": "b",
            "state": "damaged",
            "data": "?",
            "best epoch": "2 of 3",
            "accuracy": "0.5000",
            "95 %": "-",
            "macro F1": "-",
            "loss": "1.3000",
            "calibration error": "-",
            "parameters": "-",
            "duration": "90.5 s",
        },
    ]
