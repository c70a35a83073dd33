"""Reading run folders: finished, unfinished and damaged ones."""

import json
from pathlib import Path

import pytest
from helpers.run_folders import METRICS, make_run, predictions

from emorec.errors import DataError
from emorec.training.run_entries import common_correct, read_entry


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"not a run folder: it holds no config\.yaml"):
        read_entry(tmp_path)


def test_a_finished_run(tmp_path: Path) -> None:
    entry = read_entry(make_run(tmp_path / "run"))
    assert (entry.state, entry.folds, entry.epochs, entry.best_epoch) == ("finished", None, 3, 2)
    assert entry.figures == {
        "accuracy": 0.5,
        "balanced_accuracy": 0.4,
        "macro_f1": 0.3,
        "loss": 1.25,
        "calibration_error": 0.04,
    }
    assert entry.intervals == {"accuracy": (0.45, 0.55), "macro_f1": (0.2, 0.4)}
    assert (entry.parameters, entry.seconds) == (1000, 90.5)
    assert (entry.settings["epochs"], entry.settings["augmentation.zoom"]) == (3, 0.0)
    assert entry.fingerprint == "abc"
    assert entry.problems == ()


def test_an_unfinished_run_has_the_figures_of_its_best_epoch(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", finished=False)
    entry = read_entry(folder)
    assert (entry.state, entry.epochs, entry.best_epoch) == ("unfinished", 3, 2)
    assert entry.figures == {"accuracy": 0.5, "loss": 1.3}
    (folder / "history.csv").unlink()
    killed = read_entry(folder)
    assert (killed.state, killed.epochs, killed.best_epoch, killed.figures) == (
        "unfinished",
        0,
        None,
        {},
    )


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("config.yaml", "epochs: many"),
        ("environment.json", "["),
        ("metrics.json", '"text"'),
    ],
)
def test_a_damaged_file_is_a_problem_of_the_run(tmp_path: Path, file: str, text: str) -> None:
    folder = make_run(tmp_path / "run")
    (folder / file).write_text(text)
    entry = read_entry(folder)
    assert (entry.state, entry.epochs, entry.best_epoch) == ("damaged", 3, 2)
    (problem,) = entry.problems
    assert str(folder / file) in problem


@pytest.mark.parametrize("value", ["nan", "inf", "x", ""])
def test_a_damaged_history(tmp_path: Path, value: str) -> None:
    folder = make_run(tmp_path / "run")
    (folder / "history.csv").write_text(f"epoch,loss,accuracy\n1,{value},0.5\n")
    assert "history.csv: damaged" in read_entry(folder).problems[0]
    (folder / "metrics.json").unlink()
    with pytest.raises(DataError, match=r"nothing of this run can be read: .*history\.csv"):
        read_entry(folder)


def test_figures_that_are_no_numbers_are_unknown(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    strange = {**METRICS, "accuracy": "high", "loss": True, "macro_f1_interval": [1, "2"]}
    strange["best_epoch"] = [2]
    (folder / "metrics.json").write_text(json.dumps(strange))
    entry = read_entry(folder)
    assert sorted(entry.figures) == ["accuracy", "loss"]  # of the history
    assert "macro_f1" not in entry.intervals


def test_the_duration_of_a_resumed_run_is_not_known(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    log = folder / "train.log"
    log.write_text(log.read_text() + "2026-01-02 08:00:00,000 INFO resuming after epoch 2\n")
    assert read_entry(folder).seconds is None
    log.write_text("2026-99-99 08:00:00,000 INFO a\n")
    assert read_entry(folder).seconds is None
    log.unlink()
    assert read_entry(folder).seconds is None


def test_a_cross_validation(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "folds", folds=2)
    entry = read_entry(folder)
    assert (entry.state, entry.folds, entry.epochs, entry.best_epoch) == ("finished", 2, 2, 2)
    assert [row["val_accuracy"] for row in entry.history] == [0.25, 0.5]
    assert entry.figures["accuracy"] == 0.5
    assert entry.correct == {("a.png", "sad"): True, ("b.png", "happy"): False}
    (folder / "metrics.json").unlink()
    (folder / "final/metrics.json").unlink()
    for fold, values in ((1, [0.2, 0.4]), (2, [0.4, 0.6])):
        part = folder / f"fold-{fold:02}"
        part.mkdir()
        (part / "metrics.json").write_text(json.dumps({"accuracy_by_epoch": values}))
    unfinished = read_entry(folder)
    assert (unfinished.state, unfinished.figures) == ("unfinished", {})
    assert [row["val_accuracy"] for row in unfinished.history] == pytest.approx([0.3, 0.5])
    (part / "metrics.json").write_text(json.dumps({"accuracy_by_epoch": ["x"]}))
    with pytest.raises(DataError, match="the accuracies of the folds are damaged"):
        read_entry(folder)


def test_only_equal_images_are_compared(tmp_path: Path) -> None:
    first, second, third = (make_run(tmp_path / name, folds=2) for name in "abc")
    (second / "predictions.csv").write_text(predictions("a.png,sad,happy", "b.png,happy,happy"))
    (third / "predictions.csv").write_text(predictions("a.png,sad,happy", "b.png,sad,sad"))
    found = common_correct(read_entry(first), read_entry(second))
    assert found is not None
    assert [each.tolist() for each in found] == [[True, False], [False, True]]
    assert common_correct(read_entry(first), read_entry(third)) is None
    assert common_correct(read_entry(first), read_entry(make_run(tmp_path / "run"))) is None
