"""Checking labels with the predictions of a cross-validation, or with a model."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.metadata_example import METADATA
from helpers.noisy_labels import COUNT, answers, noisy_data

from emorec.datasets.fingerprint import fingerprint
from emorec.datasets.manifest import PreparedDataset, read_prepared
from emorec.errors import ConfigError, DataError
from emorec.evaluation.label_check import check_labels, out_of_fold_answers, trained_on_problem
from emorec.evaluation.label_errors import ALL
from emorec.models.files import find_model


def write_predictions(
    folder: Path, data: PreparedDataset, names: tuple[str, ...] = ("sad", "happy")
) -> Path:
    """Write the predictions of a cross-validation, in another order of images and classes."""
    folder.mkdir(exist_ok=True)
    with (folder / "predictions.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "fold", *(f"p_{name}" for name in names)])
        for row in reversed(range(COUNT)):
            happy, sad = answers().probabilities[row]
            writer.writerow([data.paths[row], 1, f"{sad:.6f}", f"{happy:.6f}"])
    (folder / "folds.json").write_text("{}")
    return folder


def test_predictions_are_put_into_the_order_of_the_data(tmp_path: Path) -> None:
    data = noisy_data(tmp_path / "data")
    folder = write_predictions(tmp_path / "runs-folds", data)
    found = out_of_fold_answers(folder, data, ALL, ())
    assert (found.model, found.out_of_fold, found.unanswered) == ("runs-folds", True, 0)
    np.testing.assert_allclose(found.probabilities, answers().probabilities, atol=1e-6)
    part = out_of_fold_answers(folder, data, "validation", [str(data.paths[-1])])
    assert part.rows.tolist() == list(range(30, COUNT - 1))


def test_images_without_a_prediction_are_counted(tmp_path: Path) -> None:
    data = noisy_data(tmp_path / "data")
    folder = write_predictions(tmp_path / "folds", data)
    moved = replace(data, paths=np.array(["new.png", *data.paths[1:]]))
    found = out_of_fold_answers(folder, moved, ALL, ())
    assert (found.unanswered, found.rows.tolist()) == (1, list(range(1, COUNT)))
    elsewhere = replace(data, paths=np.array([f"x{path}" for path in data.paths]))
    with pytest.raises(DataError, match="no prediction for an image of the split train of"):
        out_of_fold_answers(folder, elsewhere, "train", ())


def test_other_classes_are_refused(tmp_path: Path) -> None:
    data = noisy_data(tmp_path / "data")
    folder = write_predictions(tmp_path / "folds", data, ("sad", "bored"))
    with pytest.raises(ConfigError, match="predictions of the classes sad, bored, but the data"):
        out_of_fold_answers(folder, data, ALL, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("path,p_happy,p_sad\na,x,1\n", "a probability is no number"),
        ("path,p_happy,p_sad\na,nan,1\n", "do not sum to 1"),
        ("path,p_happy,p_sad\na,-0.5,1.5\n", "do not sum to 1"),
        ("path,p_happy,p_sad\na,0.5,0.4\n", "do not sum to 1"),
    ],
)
def test_damaged_predictions(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "predictions.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        out_of_fold_answers(tmp_path, noisy_data(tmp_path / "data"), ALL, ())


def test_the_final_model_of_a_cross_validation_stands_for_its_folds(tmp_path: Path) -> None:
    data = noisy_data(tmp_path / "data")
    folder = write_predictions(tmp_path / "folds", data)
    (folder / "final").mkdir()
    model = folder / "final/model.onnx"
    model.touch()  # it is not read
    errors, problem = check_labels(model, data, ALL, ())
    assert problem is None
    assert errors.answers.out_of_fold
    assert errors.doubts[0].path == "train/happy/03.png"


def test_a_model_that_saw_the_images_is_reported(tiny_data: Path, tmp_path: Path) -> None:
    data = read_prepared(tiny_data)
    model = tmp_path / "model.onnx"
    described = replace(METADATA, name="mine", training_data="faces of mine")
    assert trained_on_problem(model, described, data, "validation") is None
    assert "mine was trained on: faces of mine; if " in str(
        trained_on_problem(model, described, data, "train")
    )
    unknown = replace(described, training_data="unspecified")
    assert "it is not known what mine was" in str(trained_on_problem(model, unknown, data, ALL))
    for run, seen in (
        ({"data_fingerprint": fingerprint(data), "data": "elsewhere"}, True),
        ({"data_fingerprint": "other", "data": str(tiny_data.resolve())}, True),
        ({"data_fingerprint": "other", "data": "elsewhere"}, False),
    ):
        (tmp_path / "environment.json").write_text(json.dumps(run))
        problem = trained_on_problem(model, described, data, ALL)
        assert bool(problem) is seen
        assert problem is None or "mine was trained on images of this data set" in problem


def test_the_labels_of_a_model_are_checked(tiny_data: Path, tmp_path: Path) -> None:
    shutil.copy(find_model("emorec-nano"), tmp_path / "model.onnx")
    data = read_prepared(tiny_data)
    errors, problem = check_labels(tmp_path / "model.onnx", data, "test", ())
    assert problem is None
    assert (errors.split, len(errors.answers.rows)) == ("test", 28)
