"""The shapes are compared with those of the results of ONNX Runtime."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from helpers.onnx_models import tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from emorec import resources
from emorec.inference.onnx_runtime import onnxruntime
from emorec.models import onnx_limits
from emorec.models.onnx_limits import check_graph

ROOT = Path(__file__).resolve().parents[2]
SHAPE = (1, 6, 8, 4)


def single(
    kind: str, inputs: list[Any], outputs: int = 1, opset: int = 17, **attributes: Any
) -> onnx.ModelProto:
    """Make a model of one node; "x" is the image, arrays are constants, None is omitted."""
    names, constants = [], []
    for n, value in enumerate(inputs):
        if value is None or isinstance(value, str):
            names.append(value or "")
        else:
            constants.append(numpy_helper.from_array(value, f"c{n}"))
            names.append(f"c{n}")
    results = [f"y{n}" for n in range(outputs)]
    graph = helper.make_graph(
        [helper.make_node(kind, names, results, **attributes)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [onnx.ValueInfoProto(name=name) for name in results],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def int64(*numbers: int) -> np.ndarray:
    return np.asarray(numbers, np.int64)


KERNEL = np.ones((5, 6, 3, 3), np.float32)
MATRIX = np.ones((4, 7), np.float32)

CASES = [
    single("Relu", ["x"]),
    single("Dropout", ["x"], 2),
    single("Cast", ["x"], to=TensorProto.FLOAT16),
    single("Add", ["x", np.ones((3, 1, 1, 1), np.float32)]),
    single("Where", [np.ones((2, 1, 1, 1), np.bool_), "x", "x"]),
    single("Conv", ["x", KERNEL]),
    single("Conv", ["x", KERNEL], pads=[1, 2, 0, 1], strides=[2, 1], dilations=[1, 2]),
    single("Conv", ["x", KERNEL], auto_pad="SAME_UPPER", strides=[3, 2]),
    single("Conv", ["x", np.ones((6, 1, 3, 3), np.float32)], group=6, auto_pad="VALID"),
    single("MaxPool", ["x"], 2, kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1),
    single("AveragePool", ["x"], kernel_shape=[3, 2], pads=[1, 0, 1, 1]),
    single("GlobalAveragePool", ["x"]),
    single("MatMul", ["x", MATRIX]),
    single("MatMul", ["x", np.ones(4, np.float32)]),
    single("Gemm", [MATRIX, np.ones((3, 7), np.float32)], transB=1),
    single("Gemm", [MATRIX, np.ones((4, 2), np.float32)], transA=1),
    single("Reshape", ["x", int64(0, -1, 2)]),
    single("Flatten", ["x"], axis=2),
    single("Flatten", ["x"], axis=-1),
    single("Squeeze", ["x"]),
    single("Squeeze", ["x", int64(0)]),
    single("Unsqueeze", ["x", int64(0, -1)]),
    single("Transpose", ["x"]),
    single("Transpose", ["x"], perm=[0, 3, 1, 2]),
    single("Concat", ["x", "x"], axis=-1),
    single("Split", ["x", int64(1, 5)], 2, axis=1),
    single("Split", ["x"], 2, axis=2),
    single("Slice", ["x", int64(1), int64(2**31), int64(1)]),
    single("Slice", ["x", int64(-1), int64(-(2**63)), int64(2), int64(-3)]),
    single("Slice", ["x", int64(0, 2), int64(1, -1)]),
    single("Gather", ["x", int64(0, 2)], axis=1),
    single("Gather", ["x", np.asarray(1, np.int64)], axis=-1),
    single("Expand", ["x", int64(3, 1, 1, 1, 1)]),
    single("Tile", ["x", int64(2, 1, 3, 1)]),
    single("Pad", ["x", int64(0, 1, 2, 0, 0, -1, 0, 3)]),
    single("Pad", ["x", int64(2, 1), None, int64(-1)], opset=18),
    single("Resize", ["x", None, np.float32([1, 1, 2, 1.7])]),
    single("Resize", ["x", None, None, int64(1, 6, 5, 9)]),
    single("Resize", ["x", np.float32([1, 1, 2, 2])], opset=10),
    single("Constant", [], value=numpy_helper.from_array(MATRIX)),
    single("Constant", [], value_ints=[1, 2, 3]),
    single("Constant", [], value_float=1.0),
    single("ConstantOfShape", [int64(2, 3)]),
    single("Range", [np.asarray(n, np.int64) for n in (7, 1, -2)]),
    single("Shape", ["x"]),
    single("Shape", ["x"], start=1, end=-1),
    single("Size", ["x"]),
    single("ReduceMean", ["x"], axes=[1, -1], keepdims=0),
    single("ReduceSum", ["x", int64(2)]),
    single("ReduceSum", ["x"], noop_with_empty_axes=1),
    single("ReduceMax", ["x"], keepdims=0),
    single("ArgMax", ["x"], axis=-1, keepdims=0),
    single("ReverseSequence", ["x", int64(6)], batch_axis=0, time_axis=1),
    single("BatchNormalization", ["x", *[np.ones(6, np.float32)] * 4]),
    single("DynamicQuantizeLinear", ["x"], 3),
]


def results_of(model: onnx.ModelProto) -> list[tuple[int, ...]]:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return [np.shape(y) for y in session.run(None, {"x": np.ones(SHAPE, np.float32)})]


def state(model: onnx.ModelProto, shapes: list[tuple[int, ...]]) -> bytes:
    """Return the file with stated shapes of the outputs, which `check_graph` compares."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for output, shape in zip(copy.graph.output, shapes, strict=True):
        output.CopyFrom(helper.make_tensor_value_info(output.name, TensorProto.FLOAT, shape))
    return copy.SerializeToString()


@pytest.mark.parametrize(
    "model", CASES, ids=[f"{n}-{m.graph.node[0].op_type}" for n, m in enumerate(CASES)]
)
def test_shapes_are_those_of_onnx_runtime(model):
    shapes = results_of(model)
    check_graph(state(model, shapes), SHAPE)
    for n, shape in enumerate(shapes):
        other = [*shapes]
        other[n] = (*shape[:-1], shape[-1] + 1) if shape else (1,)
        with pytest.raises(ValueError, match="stated"):
            check_graph(state(model, other), SHAPE)


def test_computed_shapes_are_followed():
    """As exporters write a reshape to (batch, -1)."""
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Cast", ["shape"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Slice", ["wide", "zero", "one"], ["first"]),
        helper.make_node("Mul", ["first", "two"], ["doubled"]),
        helper.make_node("Cast", ["doubled"], ["count"], to=TensorProto.INT64),
        helper.make_node("Concat", ["count", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["y"]),
    ]
    constants = {"zero": int64(0), "one": int64(1), "two": np.float32([2]), "rest": int64(-1)}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *SHAPE[1:]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 96])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    assert results_of(model) == [(2, 96)]
    assert check_graph(model.SerializeToString(), SHAPE).largest == 192


@pytest.mark.parametrize(
    "path", [resources.shipped_model(), ROOT / "scripts" / "teachers" / "emorec-compact-1.3.onnx"]
)
def test_models_of_emorec_pass(path):
    size = check_graph(path.read_bytes(), (1, 48, 48, 1))
    assert size.largest < 2**18
    assert 6 * 10**7 < size.work < 2 * 10**8


def test_the_limits(monkeypatch):
    data = tiny_model().SerializeToString()
    size = check_graph(data, (1, 48, 48, 1))
    assert size.largest == 48 * 48
    for name, limit, message in (
        ("MAX_TENSOR", size.largest - 1, "computes a tensor of the shape"),
        ("MAX_TENSORS", size.largest, "memory for more than"),
        ("MAX_WORK", size.work - 1, "multiply-adds for one image"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(onnx_limits, name, limit)
            with pytest.raises(ValueError, match=message):
                check_graph(data, (1, 48, 48, 1))


def test_a_shape_that_depends_on_the_image():
    model = single("Reshape", ["x", "n"])
    model.graph.node.insert(0, helper.make_node("Cast", ["x"], ["n"], to=TensorProto.INT64))
    with pytest.raises(ValueError, match="depends on the content of the image"):
        check_graph(model.SerializeToString(), SHAPE)


@settings(max_examples=300)
@given(data=st.data())
def test_changed_bytes_pass_or_raise_a_value_error(data):
    content = bytearray(tiny_model().SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        size = check_graph(bytes(content), (1, 48, 48, 1))
    except ValueError:
        return
    assert size.largest <= onnx_limits.MAX_TENSOR
