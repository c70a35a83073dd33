import json
from typing import Any

import pytest
from helpers.example_trials import figures, record

from emorec.training.tuning_records import TrialFigures, best_of, setting_text, value_text


@pytest.mark.parametrize(
    ("values", "objective", "number"),
    [
        ([], "accuracy", None),
        ([None], "accuracy", None),
        ([0.5, None, 0.7, 0.6], "accuracy", 3),
        # Of equals the first, so that the settings of the recipe stay without a reason to change.
        ([0.7, 0.7], "accuracy", 1),
        ([0.5, 0.7], "loss", 1),
    ],
)
def test_best_of(values: list[float | None], objective: str, number: int | None) -> None:
    trials = tuple(record(place, value) for place, value in enumerate(values, 1))
    best = best_of(trials, objective)
    assert (best and best.number) == number


def test_figures_survive_json() -> None:
    assert TrialFigures.from_dict(json.loads(json.dumps(figures(0.5).to_dict()))) == figures(0.5)


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        [],
        {},
        {**figures(0.5).to_dict(), "values": {}},
        {**figures(0.5).to_dict(), "values": {"accuracy": "x"}},
        {**figures(0.5).to_dict(), "intervals": {"accuracy": [1]}},
        {**figures(0.5).to_dict(), "images": None},
    ],
)
def test_damaged_figures(damaged: Any) -> None:
    with pytest.raises(ValueError, match=r"damaged|could not convert"):
        TrialFigures.from_dict(damaged)


def test_texts() -> None:
    assert value_text(None) == ""
    assert value_text(0.12345) == "0.1235"
    assert [setting_text(each) for each in (None, True, 64, 0.000123456)] == [
        *("None", "True", "64", "0.0001235")
    ]
