import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.metadata_example import METADATA
from helpers.onnx_models import write_tiny_model
from helpers.tiny_data import make_prepared

from emorec.datasets.manifest import PreparedDataset, read_prepared
from emorec.errors import ConfigError, DataError
from emorec.evaluation.cross_data import CrossEvaluation, cross_evaluate
from emorec.evaluation.evaluate import evaluate
from emorec.labels import EMOTIONS_8


def renamed(data: PreparedDataset, names: Mapping[str, str]) -> PreparedDataset:
    """The labels of a data set without votes under other names; "" drops them."""
    labels = np.array([names.get(label, label) for label in data.labels.tolist()])
    return replace(data, labels=labels, class_names=tuple(sorted({*labels.tolist()} - {""})))


@pytest.fixture
def models(tmp_path: Path) -> list[Path]:
    eight = METADATA.replaced(labels=EMOTIONS_8)
    return [
        write_tiny_model(tmp_path / "seven.onnx", METADATA),
        write_tiny_model(tmp_path / "eight.onnx", eight, seed=1),
    ]


@pytest.fixture
def plain(tmp_path: Path) -> PreparedDataset:
    return read_prepared(make_prepared(tmp_path / "plain", votes=False))


def test_equal_classes_have_the_figures_of_one_data_set(
    models: list[Path], tiny_data: Path, plain: PreparedDataset
) -> None:
    done: list[tuple[int, int]] = []
    data = read_prepared(tiny_data)
    found = cross_evaluate(
        models, [data, plain], "test", limit=20, progress=lambda *step: done.append(step)
    )
    assert done[-1] == (160, 160)
    assert done == sorted(done)
    assert found.names == [data.root.name, "plain"]
    assert found.models == ["seven.onnx", "eight.onnx"]
    for dataset, column in zip((data, plain), found.columns, strict=True):
        same = evaluate(models, dataset, "test", limit=20)
        assert [entry.scores.accuracy for entry in column] == [
            entry.scores.accuracy for entry in same
        ]
        assert column[1].matching is not None
        assert column[1].matching.removed == ("contempt",)
    figures = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert [entry["data"] for entry in figures["datasets"]] == [str(data.root), str(plain.root)]
    assert len(figures["datasets"][1]["mcnemar"]) == 1
    assert figures["datasets"][1]["models"][0]["label_matching"]["left_out"] == {}


def test_other_classes(models: list[Path], plain: PreparedDataset) -> None:
    other = renamed(plain, {"happy": "smile", "sad": "bored", "fear": "", "neutral": "calm"})
    with pytest.raises(ConfigError, match="--map evaluates the classes that both have"):
        evaluate(models, other, "test")
    (first, second) = evaluate(models, other, "test", label_map={"smile": "happy"})
    assert first.examples.class_names == ("angry", "disgust", "happy", "surprise")
    assert first.scores.images == 40
    assert first.matching is not None
    assert first.matching.left_out == {"bored": 10, "calm": 10}
    assert first.matching.removed == ("fear", "neutral", "sad")
    kept = first.matching.all_classes
    assert kept is not None
    # Classes are removed by renormalising, which adds correct answers and takes none.
    assert kept.accuracy <= first.scores.accuracy
    assert second.examples.paths == first.examples.paths
    np.testing.assert_allclose(first.probabilities.sum(axis=1), 1)
    figures = first.to_dict()["label_matching"]
    assert figures["classes"]["smile"] == "happy"
    assert figures["all_classes"]["answers_outside"] == kept.answers_outside


def test_one_map_for_several_data_sets(models: list[Path], plain: PreparedDataset) -> None:
    other = renamed(plain, {"happy": "smile"})
    found = cross_evaluate(models[:1], [plain, other], "test", label_map={"smile": "happy"})
    left, right = (column[0] for column in found.columns)
    assert left.scores.accuracy == right.scores.accuracy
    assert found.names == [f"1: {plain.root}", f"2: {plain.root}"]
    assert isinstance(found, CrossEvaluation)
    with pytest.raises(ConfigError, match="unknown label of the data set 'grin'"):
        cross_evaluate(models, [plain, other], "test", label_map={"grin": "happy"})


def test_a_policy_is_for_the_data_sets_with_votes(
    models: list[Path], tiny_data: Path, plain: PreparedDataset
) -> None:
    data = read_prepared(tiny_data)
    found = cross_evaluate(models, [data, plain], "test", policy="dominant")
    assert found.columns[1][0].votes is None
    with pytest.raises(ConfigError, match="has no votes"):
        cross_evaluate(models, [plain, plain], "test", policy="dominant")
    with pytest.raises(DataError, match="no column 'age'"):
        cross_evaluate(models, [data, plain], "test", group="age")
