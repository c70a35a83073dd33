"""The form of the input and the output by stated shapes; test_adopt.py runs whole models."""

import pytest

from emorec.errors import ModelError
from emorec.export.foreign_graph import InputForm, find_output, input_form
from emorec.models.onnx_graph import Graph


@pytest.mark.parametrize(
    ("declared", "size", "color", "layout", "expected"),
    [
        ([None, 1, 64, 64], None, None, None, (64, 1, "nchw", "gray", False)),
        ([1, 1, 64, 64], 64, "gray", None, (64, 1, "nchw", "gray", True)),
        ([None, 64, 64, 1], None, None, None, (64, 1, "nhwc", "gray", False)),
        ([None, 3, 64, 64], None, "bgr", None, (64, 3, "nchw", "bgr", False)),
        ([None, 3, 64, 64], None, "gray", None, (64, 3, "nchw", "gray", False)),
        ([None, None, 64, 64], None, "rgb", None, (64, 3, "nchw", "rgb", False)),
        ([None, 3, None, None], 48, "rgb", "nchw", (48, 3, "nchw", "rgb", False)),
        ([None, 3, 3, 3], None, "rgb", "nhwc", (3, 3, "nhwc", "rgb", False)),
        (None, 48, "gray", "nhwc", (48, 1, "nhwc", "gray", False)),
    ],
)
def test_inputs(declared, size, color, layout, expected) -> None:
    found = input_form(Graph(inputs={"x": declared}), size, color, layout, "m")
    assert found == InputForm("x", *expected)
    assert sorted(found.shape) == sorted((1, expected[0], expected[0], expected[1]))


@pytest.mark.parametrize(
    ("inputs", "size", "color", "layout", "message"),
    [
        ({}, None, None, None, "must have one input, an image; it has 0: none"),
        ({"x": [None, 3, 3, 3]}, None, "rgb", None, r"\[\?, 3, 3, 3\]; state with --input-layout"),
        ({"x": None}, 48, "gray", None, r"\[\?, \?, \?, \?\]; state with --input-layout"),
        ({"x": None}, None, "gray", "nchw", "does not state its input size; state it with --size"),
        ({"x": None}, 48, None, "nchw", "does not state the colour of its input"),
        ({"x": [None, 4, 48, 48]}, None, None, None, "no square image with 1 or 3 channels"),
        ({"x": [None, 1, 48, 49]}, None, None, None, "no square image"),
        ({"x": [1, 1, 1, 48, 48]}, None, None, None, r"four dimensions.*\[1, 1, 1, 48, 48\]"),
        ({"x": []}, None, None, None, "must have four dimensions"),
        ({"x": [0, 1, 48, 48]}, None, None, None, "is fixed at 0"),
    ],
)
def test_refused_inputs(inputs, size, color, layout, message) -> None:
    with pytest.raises(ModelError, match=f"^m: .*{message}"):
        input_form(Graph(inputs=inputs), size, color, layout, "m")


@pytest.mark.parametrize(
    ("outputs", "named", "expected"),
    [
        ({"y": [None, 7]}, None, "y"),
        ({"y": None}, None, "y"),
        ({"y": [None, 7, 1, 1]}, None, "y"),
        ({"y": [None, 7], "features": [None, 128]}, None, "y"),
        ({"y": [None, 7], "unknown": None}, None, "y"),
        ({"y": [None, 7], "z": [None, 7]}, "z", "z"),
        ({"y": [None, 7], "unknown": None}, "unknown", "unknown"),
    ],
)
def test_outputs(outputs, named, expected) -> None:
    assert find_output(Graph(outputs=outputs), 7, named, "m") == expected


@pytest.mark.parametrize(
    ("outputs", "named", "message"),
    [
        (
            {},
            None,
            "7 labels need one output of 7 values for each image; the model has no output; co",
        ),
        ({"y": [None, 8]}, None, r"the model has the output y \(8\); correct --label-names"),
        (
            {"y": [None, 7], "z": [None, 8]},
            "z",
            r"the outputs y \(7\), z \(8\); correct --label-names",
        ),
        (
            {"y": None, "z": None},
            None,
            r"y \(unknown\), z \(unknown\); write which with --output-n",
        ),
        ({"y": [None, 7]}, "z", r"the model has no output 'z'; it has the output y \(7\)"),
    ],
)
def test_refused_outputs(outputs, named, message) -> None:
    with pytest.raises(ModelError, match=message):
        find_output(Graph(outputs=outputs), 7, named, "m")
