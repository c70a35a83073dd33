from pathlib import Path
from typing import Any

import pytest
from helpers.example_trials import CONFIG
from hypothesis import given, settings
from hypothesis import strategies as st

from emorec import resources
from emorec.errors import ConfigError
from emorec.training.config import TrainConfig, load_config
from emorec.training.search_space import (
    Parameter,
    parse_space,
    read_space,
    searchable,
    shipped_space,
    value_of,
    with_settings,
)

RECIPES = sorted(path.stem for path in resources.folder("configs").glob("*.yaml"))


def parsed(form: Any, name: str = "dropout", config: TrainConfig = CONFIG) -> Parameter:
    (found,) = parse_space({name: form}, "space.yaml", config)
    return found


@pytest.mark.parametrize(
    ("name", "form", "expected"),
    [
        ("dropout", {"low": 0, "high": 0.5}, Parameter("dropout", 0, 0.5)),
        # The recipe's value widens the range.
        (
            "learning_rate",
            {"low": 0.2, "high": 1, "log": True},
            Parameter("learning_rate", 0.1, 1, True),
        ),
        ("learning_rate", {"factor": 4}, Parameter("learning_rate", 0.025, 0.4, True)),
        ("batch_size", {"factor": 1.5}, Parameter("batch_size", 43, 96, True, True)),
        ("batch_size", {"low": 8, "high": 16}, Parameter("batch_size", 8, 64, False, True)),
        (
            "batch_size",
            {"choices": [32, 64, 32]},
            Parameter("batch_size", choices=(64, 32)),
        ),
        ("nesterov", {"choices": [False]}, Parameter("nesterov", choices=(True, False))),
        ("clip_norm", {"choices": [1, None]}, Parameter("clip_norm", choices=(None, 1))),
        (
            "augmentation.zoom",
            {"low": 0, "high": 0.3},
            Parameter("augmentation.zoom", 0, 0.3),
        ),
        # As wide as the setting allows: a momentum is below 1.
        ("momentum", {"factor": 1.1}, Parameter("momentum", 0.9 / 1.1, 0.99, True)),
    ],
)
def test_forms(name: str, form: dict[str, Any], expected: Parameter) -> None:
    found = parsed(form, name)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.choices == expected.choices
    assert (found.log, found.integer) == (expected.log, expected.integer)
    # What a search stores is read as the same space.
    assert parsed(found.to_dict(), name) == found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "nothing is left"),
        ({"rate": {"factor": 2}}, "unknown setting to search 'rate'"),
        ({"learnin_rate": {"factor": 2}}, "learning_rate"),
        ({"seed": {"choices": [1, 2]}}, "unknown setting to search 'seed'"),
        ({"limit": {"choices": [1, 2]}}, "unknown setting to search 'limit'"),
        ({"weights": {"choices": ["/etc/passwd"]}}, "unknown setting"),
        ({"dropout": 0.5}, "is searched as"),
        ({"dropout": {}}, "is searched as"),
        ({"dropout": {"low": 0}}, "received the keys"),
        ({"dropout": {"low": 0, "high": 0.5, "step": 0.1}}, "received the keys"),
        ({"dropout": {"low": 0.5, "high": 0.5}}, "low must be less than high"),
        ({"dropout": {"low": 0, "high": 2}}, "dropout"),
        ({"dropout": {"low": "0", "high": 1}}, "low must be a number"),
        ({"dropout": {"low": True, "high": 1}}, "low must be a number"),
        ({"dropout": {"low": 0, "high": float("nan")}}, "finite"),
        ({"dropout": {"low": 0, "high": 10**400}}, "finite"),
        ({"dropout": {"low": 0.1, "high": 0.5, "log": True}}, "logarithmic range is above 0"),
        ({"dropout": {"low": 0, "high": 0.5, "log": 1}}, "log is true or false"),
        ({"dropout": {"choices": []}}, "list of 1 to 50"),
        ({"dropout": {"choices": [0.0]}}, "no other value"),
        ({"dropout": {"choices": [[0.1]]}}, "a choice is"),
        ({"dropout": {"choices": [0.1] * 51}}, "list of 1 to 50"),
        ({"batch_size": {"low": 8.5, "high": 16}}, "whole number"),
        ({"optimizer": {"choices": ["adam"]}}, "optimizer"),
        ({"optimizer": {"factor": 2}}, "use choices"),
        ({"clip_norm": {"low": 1, "high": 2}}, "use choices"),
        ({"learning_rate": {"factor": 1}}, "factor must be more than 1"),
        ({"dropout": {"factor": 2}}, "nothing is left"),
        ({f"a{number}": 1 for number in range(31)}, "at most 30"),
    ],
)
def test_what_is_no_space(content: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        parse_space(content, "space.yaml", CONFIG)
    assert str(error.value).startswith("space.yaml: ")
    assert "\n" not in str(error.value)


def test_named_settings_are_not_searched() -> None:
    forms = {
        "dropout": {"low": 0, "high": 0.5},
        "augmentation.zoom": {"low": 0, "high": 0.1},
        "augmentation.shear": {"low": 0, "high": 1},
    }
    names = [each.name for each in parse_space(forms, "a", CONFIG, {"augmentation.shear"})]
    assert names == ["dropout", "augmentation.zoom"]
    names = [each.name for each in parse_space(forms, "a", CONFIG, {"augmentation"})]
    assert names == ["dropout"]
    with pytest.raises(ConfigError, match="nothing is left"):
        parse_space(forms, "a", CONFIG, {"augmentation", "dropout"})


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["low", "high", "log", "factor", "choices"]), inner)
    ),
    max_leaves=6,
)


@pytest.mark.slow
@settings(max_examples=60)
@given(st.sampled_from(sorted(searchable())), values)
def test_a_space_is_valid_or_refused(name: str, form: Any) -> None:
    try:
        found = parsed(form, name)
    except ConfigError:
        return
    own = value_of(CONFIG, name)
    ends = found.choices or (found.low, found.high)
    if found.choices:
        assert own in found.choices
    else:
        assert found.low <= own <= found.high
    for end in ends:
        with_settings(CONFIG, {name: int(end) if found.integer else end}, "the test")


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_has_a_space(recipe: str) -> None:
    """Also the recipes without a file of their own, by the general one."""
    path = resources.folder("configs") / f"{recipe}.yaml"
    config = load_config(path, {})
    names = [each.name for each in read_space(shipped_space(recipe), config)]
    assert {"learning_rate", "dropout", "label_smoothing"} <= set(names)


def test_the_space_of_a_recipe() -> None:
    assert shipped_space("finetune").name == "finetune.yaml"
    assert shipped_space("Finetune").name == "finetune.yaml"
    for name in (None, "quick", "../nano", ""):
        assert shipped_space(name).name == "default.yaml"


def test_a_file_is_parsed_strictly(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text("dropout: &a {low: 0, high: 0.5}\naugmentation.zoom: *a\n")
    with pytest.raises(ConfigError, match="aliases"):
        read_space(path, CONFIG)
    with pytest.raises(ConfigError, match="cannot read"):
        read_space(tmp_path / "none.yaml", CONFIG)


def test_settings_of_a_section() -> None:
    changed = with_settings(CONFIG, {"augmentation.zoom": 0.2, "dropout": 0.1}, "the test")
    assert (changed.augmentation.zoom, changed.dropout) == (0.2, 0.1)
    assert with_settings(CONFIG, {}, "the test") == CONFIG
    with pytest.raises(ConfigError, match="the test"):
        with_settings(CONFIG, {"optimizer": "adamw", "learning_rate": 0.5}, "the test")
