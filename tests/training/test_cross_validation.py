"""A cross-validation on people, killed at several moments and resumed."""

import csv
import shutil
import signal
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.everything import settings
from helpers.people_data import make_people
from helpers.signalled_runs import SignalledRun

from emorec.api.runs import resume_training
from emorec.errors import DataError
from emorec.evaluation.metrics import score
from emorec.inference.classifier import EmotionClassifier
from emorec.json_files import read_json
from emorec.models.files import PREDICTIONS, find_model, read_metadata
from emorec.training import cross_validation as module
from emorec.training.cross_validation import CrossValidationResult, cross_validate
from emorec.training.fold_folder import FOLDS, PAGE
from emorec.training.fold_progress import CrossValidationProgress
from emorec.training.run_folder import METRICS

pytestmark = pytest.mark.usefixtures("quick_network")

CONFIG = settings(epochs=3, batch_size=8, learning_rate=0.02, flip_average=True)
FOLD_COUNT = 3


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_people(tmp_path_factory.mktemp("people") / "data")


@pytest.fixture(scope="module")
def whole(people: Path, tmp_path_factory: pytest.TempPathFactory) -> CrossValidationResult:
    return cross_validate(CONFIG, people, tmp_path_factory.mktemp("runs"), FOLD_COUNT)


def figures(folder: Path) -> dict[str, Any]:
    """Metrics without the name of the run."""
    found = read_json(folder / METRICS)
    for name in ("model", "name"):
        del found["pooled"][name]
    return found


class Stop(BaseException):
    """Stands for a kill: nothing handles it."""


def test_no_folder_is_left_without_an_epoch(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: Any, **__: Any) -> None:
        raise DataError("no image")

    monkeypatch.setattr(module, "TrainingRun", fail)
    with pytest.raises(DataError, match=r"^no image$"):
        cross_validate(CONFIG, people, tmp_path / "runs", FOLD_COUNT)
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.slow
def test_the_folder_holds_the_folds_and_a_model(whole: CrossValidationResult, people: Path):
    names = {path.name for path in whole.folder.iterdir()}
    assert names == {
        *(f"fold-{number:02}" for number in range(1, 1 + FOLD_COUNT)),
        *("config.yaml", "environment.json", "final", FOLDS, METRICS, PAGE, PREDICTIONS),
    }
    assert {path.name for path in (whole.folder / "fold-01").iterdir()} == {
        *("config.yaml", "environment.json", "history.csv", "logits", METRICS, "train.log")
    }
    metadata = read_metadata(find_model(whole.folder))
    assert metadata.name == whole.folder.name
    metrics = read_json(whole.folder / METRICS)
    assert metadata.temperature == metrics["pooled"]["temperature"]
    final = read_json(whole.folder / "final" / METRICS)
    assert (final["split"], final["epochs"]) == ("out-of-fold", metrics["epochs"])
    assert final["accuracy"] == metrics["pooled"]["accuracy"]
    assert metadata.prior == pytest.approx([1 / 3] * 3)


@pytest.mark.slow
def test_nobody_is_on_both_sides_and_everybody_is_left_out_once(whole: CrossValidationResult):
    folds = defaultdict(set)
    with (whole.folder / PREDICTIONS).open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        folds[row["group"]].add(row["fold"])
    assert all(len(found) == 1 for found in folds.values())
    assert sorted(folds) == [f"S{person:03}" for person in range(12)]
    listed = read_json(whole.folder / FOLDS)["images"]
    assert sorted(row["path"] for row in rows) == sorted(image["path"] for image in listed)
    # The figures follow from the file.
    labels = whole.figures.evaluation.examples.class_names
    truth = np.array([labels.index(row["label"]) for row in rows])
    shares = np.array([[float(row[f"p_{name}"]) for name in labels] for row in rows])
    expected = score(shares, np.eye(len(labels), dtype=np.float32)[truth], labels)
    assert expected.accuracy == whole.figures.evaluation.scores.accuracy
    assert whole.figures.evaluation.scores.resampled_groups == 12
    assert whole.figures.evaluation.scores.accuracy > 0.5


@pytest.mark.slow
def test_killed_in_a_fold_and_in_the_final_training_the_figures_are_the_same(
    whole: CrossValidationResult, people: Path, tmp_path: Path
):
    (tmp_path / "config.yaml").write_text(CONFIG.to_yaml())
    words = ["train", "--config", tmp_path / "config.yaml", "--data", people]
    run = SignalledRun(tmp_path, *words, "--folds", str(FOLD_COUNT), quick=True)
    run.wait_until(lambda: bool(list(tmp_path.glob("runs/*/fold-02/history.csv"))))
    run.end(signal.SIGKILL)
    (folder,) = (tmp_path / "runs").iterdir()
    assert not (folder / METRICS).exists()

    moments = iter([("fold 3 of 3", 2), ("final model", 1)])
    moment = next(moments)

    def stop(progress: CrossValidationProgress) -> None:
        if progress.step and (progress.title, progress.step.epoch) == moment:
            raise Stop

    for _ in range(2):
        with pytest.raises(Stop):
            module.resume_cross_validation(folder, progress=stop)
        moment = next(moments, ("", 0))
    assert (folder / PAGE).exists()
    result = resume_training(folder / "fold-01")
    assert isinstance(result, CrossValidationResult)
    assert figures(folder) == figures(whole.folder)
    for name in (PREDICTIONS, FOLDS, "final/history.csv", "fold-02/history.csv"):
        assert (folder / name).read_text() == (whole.folder / name).read_text()
    first, second = (EmotionClassifier(find_model(each.folder)) for each in (whole, result))
    images = np.random.default_rng(0).integers(0, 256, (4, 24, 24, 1)).astype(np.float32)
    np.testing.assert_array_equal(first.logits(images), second.logits(images))
    assert not list(folder.rglob(".partial*"))
    assert resume_training(folder) is None


@pytest.mark.slow
def test_damaged_logits_of_a_fold(whole: CrossValidationResult, tmp_path: Path):
    folder = tmp_path / "copy"
    shutil.copytree(whole.folder, folder)
    shutil.rmtree(folder / "final")
    (folder / "fold-02" / "logits" / "epoch-00001.npy").write_bytes(b"")
    with pytest.raises(DataError, match=r"remove the folder .*fold-02, and resume"):
        module.resume_cross_validation(folder)
    assert not (folder / "final").exists()
