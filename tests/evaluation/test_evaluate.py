from pathlib import Path

import numpy as np
import pytest
from tiny_data import make_prepared

from emorec.datasets.manifest import read_prepared
from emorec.errors import ConfigError, DataError, ModelError
from emorec.evaluation.evaluate import evaluate, model_file


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_both_files_of_a_run_give_the_same_figures(
    tiny_run: Path, tiny_data: Path, split: str
) -> None:
    data = read_prepared(tiny_data)
    keras, onnx = (evaluate(tiny_run / name, data, split) for name in ("model.keras", "model.onnx"))
    np.testing.assert_allclose(keras.probabilities, onnx.probabilities, atol=1e-4)
    np.testing.assert_array_equal(keras.scores.confusion_matrix, onnx.scores.confusion_matrix)
    assert keras.scores.loss == pytest.approx(onnx.scores.loss, abs=1e-4)
    assert onnx.scores.images == {"train": 84, "validation": 42, "test": 28}[split]


def test_a_run_folder_and_a_tree_without_votes(tiny_run: Path, tmp_path: Path) -> None:
    tree = read_prepared(make_prepared(tmp_path, votes=False))
    whole = evaluate(tiny_run, tree, "test")
    assert whole.scores.images == 70  # test/ of a plain tree holds both usages
    few = evaluate(tiny_run, tree, "test", limit=10)
    assert few.scores.images == 10
    with pytest.raises(ConfigError, match="has no votes"):
        evaluate(tiny_run, tree, "test", policy="majority")


def test_classes_that_do_not_fit(tiny_run: Path, tiny_data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"knows angry, .* but the data has .* contempt"):
        evaluate(tiny_run, read_prepared(tiny_data), "test", classes=8)
    two = tmp_path / "two"
    for name in ("cat", "dog"):
        (two / "test" / name).mkdir(parents=True)
        (two / "test" / name / "x.png").write_bytes(b"")
    with pytest.raises(ConfigError, match="but the data has cat, dog"):
        evaluate(tiny_run, read_prepared(two), "test")


def test_a_split_without_images(tiny_run: Path, tmp_path: Path) -> None:
    (tmp_path / "test" / "happy").mkdir(parents=True)
    (tmp_path / "test" / "happy" / "x.png").write_bytes(b"")
    with pytest.raises(DataError, match="'train' has no labelled image"):
        evaluate(tiny_run, read_prepared(tmp_path), "train")


def test_model_files(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        model_file(tmp_path / "no.onnx")
    with pytest.raises(ModelError, match=r"neither model\.onnx nor model\.keras"):
        model_file(tmp_path)
    (tmp_path / "x.h5").write_bytes(b"")
    with pytest.raises(ModelError, match=r"received '\.h5'"):
        model_file(tmp_path / "x.h5")
    (tmp_path / "model.keras").write_bytes(b"")
    assert model_file(tmp_path) == tmp_path / "model.keras"
