import inspect
from pathlib import Path

import pytest

from emorec.api.data import load_dataset
from emorec.api.evaluations import cross_evaluate, evaluate
from emorec.errors import ConfigError, DataError, ModelError
from emorec.evaluation import evaluate as library


@pytest.mark.parametrize("function", [evaluate, cross_evaluate])
def test_the_options_and_their_defaults_are_those_of_the_library(function):
    own = inspect.signature(function).parameters
    others = inspect.signature(library.evaluate_data_sets).parameters
    options = library.EvaluationOptions.__annotations__.keys()
    inputs = {"model", "models", "data", "datasets", "split"}
    assert own.keys() - inputs == others.keys() - inputs == options
    for name in options:
        assert own[name].default == others[name].default, name


def test_the_metrics_are_those_of_the_library(tiny_data: Path):
    dataset = load_dataset(tiny_data)
    (expected,) = library.evaluate([Path("emorec-nano")], dataset, "test", limit=14, flip=True)
    for data in (tiny_data, str(tiny_data), dataset):
        found = evaluate("emorec-nano", data, split="test", limit=14, flip=True)
        assert found.to_dict() == expected.to_dict()
    assert found.scores.images == 14
    assert evaluate("emorec-nano", tiny_data).scores.images == 42  # of the validation split


@pytest.mark.parametrize(
    ("model", "data", "split", "error", "message"),
    [
        ("nope", None, "test", ModelError, "nope: no such model file"),
        ("emorec-nano", "nope", "test", DataError, "nope: no such folder"),
        ("emorec-nano", None, "val", ConfigError, "unknown split 'val'; did you mean 'validation'"),
    ],
)
def test_errors(tiny_data: Path, model, data, split, error, message):
    with pytest.raises(error, match=message):
        evaluate(model, data or tiny_data, split)


def test_several_data_sets(tiny_data: Path):
    dataset = load_dataset(tiny_data)
    found = cross_evaluate(["emorec-nano"], [tiny_data, dataset], "test", limit=7)
    assert [len(column) for column in found.columns] == [1, 1]
    assert {column[0].scores.images for column in found.columns} == {7}
    for models, datasets in (([], [tiny_data]), (["emorec-nano"], [])):
        with pytest.raises(ConfigError, match="at least one model and one data set"):
            cross_evaluate(models, datasets)
