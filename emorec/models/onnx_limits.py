"""Limits on the memory and the time of an ONNX model, checked before a library loads it.

The shapes of all tensors follow from the shape of the input, for one image, as the operators are
plain ones without loops. A model whose shapes depend on the content of the image is refused.
"""

import math
from dataclasses import dataclass
from typing import Any

from emorec.models.onnx_graph import Declared, Graph, Tensor, read_graph
from emorec.models.onnx_operators import RULES, values_of
from emorec.models.onnx_shapes import OMITTED, Shape, Value

MAX_TENSOR = 2**24
"""Most values of a tensor, for one image; VGG16 has 3.2 million at 224 x 224 pixels."""

MAX_TENSORS = 2**28
"""Most values of all tensors together, for one image."""

MAX_COMPUTED_CONSTANTS = 2**24
"""Most values of the constants that nodes compute, beyond the number of stored values."""

MAX_WORK = 2 * 10**11
"""Most multiply-adds for one image; VGG16 has 15 thousand million at 224 x 224 pixels."""


@dataclass(frozen=True)
class GraphSize:
    """What one image costs.

    Attributes:
        largest: Values of the largest tensor.
        work: Multiply-adds, roughly, with those of additions and copies.
    """

    largest: int
    work: int


def check_graph(data: bytes, input_shape: tuple[int, ...]) -> GraphSize:
    """Check that running a model on one image stays within the limits.

    Args:
        data: The content of the ONNX file.
        input_shape: Shape of its only input, with a batch of 1, for the dimensions that the file
            leaves free.

    Raises:
        ValueError: The bytes are no ONNX model, it has other operators or more than one input, or
            it needs too much memory or time. The message is one line.
    """
    try:
        return _size(read_graph(data), input_shape)
    # A hostile graph may hold any attribute of any type.
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
        raise ValueError(f"{' '.join(str(error).split()):.200}") from error


def _size(graph: Graph, input_shape: Shape) -> GraphSize:
    if len(graph.inputs) != 1:
        raise ValueError(f"the model must have one input; it has {sorted(graph.inputs)}")
    tensors: dict[str, Value] = {"": OMITTED}
    constants = set()
    for tensor in graph.constants:
        _define(tensors, tensor.name, Value(tensor.shape, tensor.value))
        constants.add(tensor.name)
    stored = sum(math.prod(tensor.shape) for tensor in graph.constants)
    for name, declared in graph.inputs.items():
        _define(tensors, name, Value(_filled(declared, input_shape)))
    largest = total = work = computed = 0
    for node in graph.nodes:
        if node.kind not in RULES:
            raise ValueError(f"it uses the operator {node.kind:.40}, which is not allowed")
        missing = [name for name in node.inputs if name not in tensors]
        if missing:
            raise ValueError(f"{node.kind} uses {missing[0]:.40}, which no node before it computes")
        inputs = [tensors[name] for name in node.inputs]
        attributes = {name: _plain(value) for name, value in node.attributes.items()}
        shapes, cost = RULES[node.kind](inputs, attributes, len(node.outputs))
        values = values_of(node.kind, inputs, attributes, shapes)
        is_constant = all(not name or name in constants for name in node.inputs)
        for name, shape, value in zip(node.outputs, shapes, values, strict=False):
            size = math.prod(shape)
            if min(shape, default=1) < 0 or size > MAX_TENSOR:
                raise ValueError(f"{node.kind} computes a tensor of the shape {list(shape)}")
            largest, total = max(largest, size), total + size
            if name:
                _define(tensors, name, Value(shape, value))
            # A library computes these while it loads the model, and keeps them.
            if name and (is_constant or value is not None):
                constants.add(name)
                computed += size
        work += cost
        if total > MAX_TENSORS or computed > MAX_COMPUTED_CONSTANTS + stored:
            raise ValueError(f"it needs memory for more than {total} values")
        if work > MAX_WORK:
            raise ValueError(f"it needs more than {MAX_WORK:.0e} multiply-adds for one image")
    for name, declared in (graph.inner | graph.outputs).items():
        if name not in tensors and name in graph.outputs:
            raise ValueError(f"no node computes the output {name:.40}")
        # A library believes a stated shape, and computes constants from it while it loads.
        shape = tensors.get(name, Value(())).shape
        if name in tensors and declared is not None and _filled(declared, shape) != shape:
            raise ValueError(f"{name:.40} has the shape {list(shape)}, but {declared} is stated")
    return GraphSize(largest, work)


def _define(tensors: dict[str, Value], name: str, value: Value) -> None:
    if name in tensors:
        raise ValueError(f"the tensor {name:.40} is computed twice")
    tensors[name] = value


def _filled(declared: Declared, shape: Shape) -> Shape:
    """Replace the free dimensions of a stated shape by those of another one."""
    if declared is None:
        return shape
    if len(declared) != len(shape):
        raise ValueError(f"a tensor with the stated shape {declared} has the shape {list(shape)}")
    return tuple(
        length if stated is None else stated for stated, length in zip(declared, shape, strict=True)
    )


def _plain(value: Any) -> Any:
    return Value(value.shape, value.value) if isinstance(value, Tensor) else value
