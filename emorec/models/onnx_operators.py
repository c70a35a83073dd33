"""The ONNX operators that a model may use.

Loops, conditions and operators whose results depend on the content of the image are not among
them, so shapes and cost are known before the model runs.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.models import onnx_shapes as shapes
from emorec.models import onnx_windows as windows
from emorec.models.onnx_graph import MAX_VALUE_SIZE
from emorec.models.onnx_shapes import Attributes, Result, Rule, Shape, Value

_SAME = (
    "Abs BatchNormalization Ceil Clip DequantizeLinear Dropout Elu Erf Exp Floor Gelu "
    "GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization LRN "
    "LayerNormalization LeakyRelu Log LogSoftmax Mish Neg Not PRelu QuantizeLinear Reciprocal Relu "
    "ReverseSequence Round Selu Sigmoid Sign Softmax Softplus Softsign Sqrt Tanh ThresholdedRelu"
)
_BROADCAST = (
    "Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or Pow Sub Sum "
    "Where Xor"
)
_REDUCE = (
    "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd "
    "ReduceSum ReduceSumSquare"
)

_LARGE_TYPES = (8, 14, 15)
"""TensorProto.DataType of text and complex numbers."""


def _size_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    return [()], 0


def _quantize_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    return [inputs[0].shape, (), ()], inputs[0].size


def _cast_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    if attributes["to"] in _LARGE_TYPES:
        raise ValueError(f"Cast to the type {attributes['to']} is not allowed")
    return shapes.same_rule(inputs, attributes, outputs)


RULES: dict[str, Rule] = {
    **dict.fromkeys(_SAME.split(), shapes.same_rule),
    **dict.fromkeys(_BROADCAST.split(), shapes.broadcast_rule),
    **dict.fromkeys(_REDUCE.split(), shapes.reduce_rule),
    **dict.fromkeys(("ArgMax", "ArgMin"), shapes.arg_rule),
    **dict.fromkeys(("Conv", "ConvInteger"), windows.conv_rule),
    **dict.fromkeys(("MatMul", "MatMulInteger"), windows.matmul_rule),
    **dict.fromkeys(("AveragePool", "MaxPool"), windows.pool_rule),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), windows.global_pool_rule),
    "Cast": _cast_rule,
    "Concat": shapes.concat_rule,
    "Constant": shapes.constant_rule,
    "ConstantOfShape": shapes.constant_of_shape_rule,
    "DynamicQuantizeLinear": _quantize_rule,
    "Expand": shapes.expand_rule,
    "Flatten": shapes.flatten_rule,
    "Gather": shapes.gather_rule,
    "Gemm": windows.gemm_rule,
    "Pad": shapes.pad_rule,
    "Range": shapes.range_rule,
    "Reshape": shapes.reshape_rule,
    "Resize": windows.resize_rule,
    "Shape": shapes.shape_rule,
    "Size": _size_rule,
    "Slice": shapes.slice_rule,
    "Split": shapes.split_rule,
    "Squeeze": shapes.squeeze_rule,
    "Tile": shapes.tile_rule,
    "Transpose": shapes.transpose_rule,
    "Unsqueeze": shapes.unsqueeze_rule,
}
"""How the shapes of the outputs of each operator follow from its inputs."""

_CASTS = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 11: np.float64}


def _divide(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[Any]:
    quotient: npt.NDArray[Any] = a / b
    return quotient if a.dtype.kind == "f" else np.trunc(quotient).astype(a.dtype)


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "Ceil": np.ceil,
    "Div": _divide,
    "Equal": np.equal,
    "Floor": np.floor,
    "Max": np.maximum,
    "Min": np.minimum,
    "Mul": np.multiply,
    "Neg": np.negative,
    "Sub": np.subtract,
    "Where": np.where,
}
_REDUCTIONS: dict[str, Callable[..., Any]] = {
    "ReduceMax": np.max,
    "ReduceMin": np.min,
    "ReduceProd": np.prod,
    "ReduceSum": np.sum,
}
_RESHAPES = ("Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze")


def values_of(
    kind: str, inputs: Sequence[Value], attributes: Attributes, results: Sequence[Shape]
) -> list[npt.NDArray[Any] | None]:
    """Compute the results of an operator that shapes are computed with.

    Args:
        kind: Name of the operator.
        inputs: Its inputs.
        attributes: Its attributes.
        results: The shapes of its outputs.

    Returns:
        One array for each output; None where the numbers are not known or too many.
    """
    unknown: list[npt.NDArray[Any] | None] = [None] * len(results)
    if len(results) != 1 or Value(results[0]).size > MAX_VALUE_SIZE:
        return unknown
    with np.errstate(all="ignore"):
        found = _value(kind, inputs, attributes, results[0])
    return unknown if found is None else [np.asarray(found).reshape(results[0])]


def _value(kind: str, inputs: Sequence[Value], attributes: Attributes, result: Shape) -> Any:
    if kind == "Shape":
        return np.asarray(
            inputs[0].shape[attributes.get("start", 0) : attributes.get("end")], np.int64
        )
    if kind == "Size":
        return np.int64(inputs[0].size)
    if kind == "Constant":
        (value,) = attributes.values()
        return value.numbers if isinstance(value, Value) else np.asarray(value)
    if kind == "ConstantOfShape":
        fill = attributes.get("value")
        numbers = np.zeros(1, np.float32) if fill is None else fill.numbers
        return None if numbers is None else np.full(result, numbers.item())
    numbers = [value.numbers for value in inputs if value is not shapes.OMITTED]
    if not numbers or any(value is None for value in numbers):
        return None
    if kind in _ARITHMETIC:
        return _ARITHMETIC[kind](*numbers)
    if kind in _RESHAPES:
        return numbers[0]
    if kind in _REDUCTIONS:
        # Shapes are reduced over all axes; a partial reduction stays unknown.
        return _REDUCTIONS[kind](numbers[0]) if Value(result).size == 1 else None
    if kind == "Cast":
        dtype = _CASTS.get(attributes["to"])
        return None if dtype is None else numbers[0].astype(dtype)
    if kind == "Concat":
        return np.concatenate(numbers, attributes["axis"])
    if kind == "Gather":
        return np.take(numbers[0], numbers[1], attributes.get("axis", 0))
    if kind == "Slice":
        return numbers[0][shapes.slices(list(inputs), attributes)]
    if kind == "Expand":
        return np.broadcast_to(numbers[0], result)
    if kind == "Range":
        return numbers[0] + np.arange(result[0]) * numbers[2]
    return None
