import inspect
from pathlib import Path

import pytest

from emorec.api.data import load_dataset
from emorec.api.evaluations import evaluate
from emorec.errors import ConfigError, DataError, ModelError
from emorec.evaluation import evaluate as library


def test_the_options_and_their_defaults_are_those_of_the_library():
    own = inspect.signature(evaluate).parameters
    others = inspect.signature(library.evaluate).parameters
    assert own.keys() - {"model"} == others.keys() - {"models"}
    for name in own.keys() - {"model", "data", "split"}:
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
