"""Metadata of model files: accepted and rejected values."""

import json
from dataclasses import fields
from typing import Any

import pytest
from helpers import metadata_example
from hypothesis import given
from hypothesis import strategies as st

from emorec.errors import ModelError
from emorec.labels import EMOTIONS_8, is_printable
from emorec.metadata import (
    MAX_ADJUSTMENT,
    MAX_INPUT_SIZE,
    MAX_TEMPERATURE,
    MIN_TEMPERATURE,
    SCHEMA_VERSION,
    ModelCost,
    ModelMetadata,
    calibration_problem,
)

METADATA = metadata_example.METADATA.replaced(
    labels=EMOTIONS_8, prior=(0.125,) * 8, default_prior=0.5
)

NAMES = [field.name for field in fields(ModelMetadata)]
OPTIONAL = {"align": (True, False), "calibration_images": (18, None)}
"""Some value, and the one of files that lack the field."""


def text(**changes: Any) -> str:
    return json.dumps(json.loads(METADATA.to_json()) | changes)


def test_round_trip():
    assert ModelMetadata.from_json(METADATA.to_json(), "m.onnx") == METADATA


names = st.text(max_size=20)
label = st.text(min_size=1).filter(is_printable)


@given(
    name=names,
    training_data=names,
    labels=st.lists(label, min_size=8, max_size=8, unique=True).map(tuple),
    color=st.sampled_from(["gray", "rgb"]),
    input_size=st.integers(1, MAX_INPUT_SIZE),
    crop_margin=st.floats(-0.4, 2),
    temperature=st.floats(MIN_TEMPERATURE, MAX_TEMPERATURE),
    prior=st.lists(st.floats(0.01, 1), min_size=8, max_size=8).map(
        lambda shares: tuple(share / sum(shares) for share in shares)
    ),
    default_prior=st.floats(0, MAX_ADJUSTMENT),
    align=st.booleans(),
    calibration_images=st.none() | st.integers(0, 10**18),
)
def test_every_allowed_value_survives(**values: Any):
    changed = METADATA.replaced(**values)
    assert ModelMetadata.from_json(changed.to_json(), "m.onnx") == changed


def test_unknown_fields_are_ignored():
    assert ModelMetadata.from_json(text(colour_space="sRGB"), "m.onnx") == METADATA


def test_files_of_schema_version_1_have_no_prior():
    found = json.loads(text(format=1))
    del found["prior"], found["default_prior"]
    expected = METADATA.replaced(prior=None, default_prior=0.0)
    assert ModelMetadata.from_json(json.dumps(found), "m.onnx") == expected


def test_a_default_needs_a_prior():
    assert ModelMetadata.from_json(text(prior=None, default_prior=0), "m.onnx").prior is None
    with pytest.raises(ModelError, match=r"default_prior must be 0 without a prior; received 0\.5"):
        ModelMetadata.from_json(text(prior=None), "m.onnx")


@pytest.mark.parametrize(
    ("images", "calibrated"), [(None, None), (0, False), (49, False), (50, True), (3579, True)]
)
def test_few_images_do_not_calibrate(images: int | None, calibrated: bool | None):
    assert METADATA.replaced(calibration_images=images).calibrated is calibrated
    problem = calibration_problem(images)
    assert (problem is not None) is (calibrated is False)
    if problem:
        assert problem.startswith(f"confidence not calibrated: the model had {images} ")


@pytest.mark.parametrize(("color", "channels"), [("gray", 1), ("rgb", 3)])
def test_channels(color: str, channels: int):
    assert METADATA.replaced(color=color).channels == channels


@pytest.mark.parametrize("name", OPTIONAL)
def test_files_of_0_1_lack_optional_fields(name: str):
    value, without = OPTIONAL[name]
    found = json.loads(text(**{name: value}))
    assert getattr(ModelMetadata.from_json(json.dumps(found), "m.onnx"), name) == value
    del found[name]
    assert getattr(ModelMetadata.from_json(json.dumps(found), "m.onnx"), name) is without


@pytest.mark.parametrize("name", sorted(set(NAMES) - OPTIONAL.keys()))
def test_a_missing_field_is_named(name: str):
    found = json.loads(METADATA.to_json())
    del found[name]
    with pytest.raises(ModelError, match=rf"^m\.onnx: .*lacks {name}$"):
        ModelMetadata.from_json(json.dumps(found), "m.onnx")


HUGE = 10**400

TEXTS = ("name", "version", "architecture", "training_data", "license", "created_with")

INVALID = [
    *[(name, value) for name in TEXTS for value in (None, 1, True, ["a"], {}, "a\udcff")],
    *[
        ("labels", value)
        for value in (
            [],
            None,
            "angry",
            ["one"],
            ["a", "a"],
            ["a", ""],
            ["a", 1],
            ["a", ["b"]],
            {"0": "a", "1": "b"},
            [str(i) for i in range(1001)],
            ["a", "two\nlines"],
            ["a", "\x1b[31mred"],
            ["a", "b\x85"],
            ["a", "b\u2028"],
            ["a", "\udcff"],
        )
    ],
    *[("color", value) for value in ("", None, "bgr", "GRAY", 1, ["gray"], {})],
    *[("interpolation", value) for value in ("", None, "cubic", 1, ["area"], {})],
    *[("input_size", v) for v in (0, None, -1, 48.0, "48", True, MAX_INPUT_SIZE + 1, HUGE, [48])],
    *[
        ("crop_margin", v)
        for v in (None, "0.1", True, -0.41, 2.01, float("nan"), float("inf"), HUGE, [0.1])
    ],
    *[
        ("temperature", v)
        for v in (
            0,
            5e-324,
            0.009,
            101,
            1e308,
            None,
            "1",
            True,
            float("nan"),
            float("inf"),
            HUGE,
            [1],
        )
    ],
    *[
        ("prior", value)
        for value in (
            0.125,
            "natural",
            {},
            [],
            [0.5, 0.5],
            [0.125] * 7 + [0.2],
            [1.0] + [0.0] * 7,
            [-0.125, 0.375] + [0.125] * 6,
            [float("nan")] + [0.125] * 7,
            [HUGE] + [0.125] * 7,
            [True] + [0.0] * 7,
            ["0.125"] * 8,
        )
    ],
    *[("align", v) for v in (None, 0, 1, "on", [True], {})],
    *[("calibration_images", v) for v in (-1, 1.5, True, "18", float("nan"), HUGE, [1], {})],
    *[("default_prior", v) for v in (None, "1", True, -0.1, 2.1, float("nan"), HUGE, [1], {})],
]


@pytest.mark.parametrize(("name", "value"), INVALID)
def test_an_invalid_value_is_named(name: str, value: Any):
    with pytest.raises(ModelError, match=rf"^m\.onnx: .* is invalid: {name} must be ") as caught:
        ModelMetadata.from_json(text(**{name: value}), "m.onnx")
    message = str(caught.value)
    assert "received " in message
    assert "\n" not in message
    assert len(message) < 300


def test_every_field_has_an_invalid_value_in_the_table():
    assert {name for name, _ in INVALID} == set(NAMES)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "1", '"text"', "[" * 100_000, "1" * 5000, "\0", '{"format": '],
)
def test_text_that_is_not_a_json_object_is_refused(content: str):
    with pytest.raises(ModelError, match=r"^m\.onnx: its emorec metadata is not") as caught:
        ModelMetadata.from_json(content, "m.onnx")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [None, 0, SCHEMA_VERSION + 1, "1", [1]])
def test_an_unknown_schema_version_is_refused(value: Any):
    with pytest.raises(ModelError, match=f"this emorec reads 1 and {SCHEMA_VERSION}"):
        ModelMetadata.from_json(text(format=value), "m.onnx")


@given(content=st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_any_json_gives_metadata_or_a_model_error(content: Any):
    for name in NAMES:
        try:
            ModelMetadata.from_json(text(**{name: content}), "m.onnx")
        except ModelError:
            continue


def test_the_cost_survives():
    cost = ModelCost(parameters=0, multiply_adds=10**12)
    assert ModelCost.from_json(cost.to_json(), "m.onnx") == cost


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "1",
        "[" * 100_000,
        "{}",
        '{"parameters": 1}',
        '{"parameters": 1, "multiply_adds": -1}',
        '{"parameters": 1.5, "multiply_adds": 1}',
        '{"parameters": 1, "multiply_adds": 1%s}' % ("0" * 18 + "1"),
        '{"parameters": true, "multiply_adds": 1}',
    ],
)
def test_an_invalid_cost_is_refused(content: str):
    with pytest.raises(ModelError, match=r"^m\.onnx: its emorec-cost metadata") as caught:
        ModelCost.from_json(content, "m.onnx")
    assert "\n" not in str(caught.value)
