"""The graph of an ONNX file, parsed without the onnx package: nodes, constants, inputs.

Only what a plain classifier or detector needs is accepted: one graph, no subgraphs, no functions,
no weights in other files, no custom operators.
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto defines the fields.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.models.protobuf import FIXED32, LENGTH_DELIMITED, VARINT, fields, packed_varints, signed

MAX_NODES = 10_000

MAX_NODE_BYTES = 8 * 2**20
"""Most bytes of all nodes together; parsing takes about a second for 4 MiB."""

MAX_CONSTANTS = 20_000

_MOST_FIELDS = 64
"""Most fields of a constant and of the description of an input or output."""

MAX_VALUE_SIZE = 4096
"""Constants of at most so many values are decoded: they may be shapes, scales or indices."""

_NUMBER_TYPES: dict[int, npt.DTypeLike] = {
    1: np.float32,
    6: np.int32,
    7: np.int64,
    9: np.bool_,
    11: np.float64,
}
"""Type of the decoded constants, by TensorProto.DataType."""

_STRING = 8
_MODEL = {"graph": 7, "training_info": 20, "functions": 25}
_GRAPH = {"node": 1, "initializer": 5, "input": 11, "output": 12, "inner": 13}
_SPARSE_INITIALIZER = 15
_NODE = {"input": 1, "output": 2, "op_type": 4, "attribute": 5, "domain": 7}
_TENSOR = {"dims": 1, "data_type": 2, "name": 8, "raw": 9, "external": 13, "location": 14}
_TYPED_DATA = {4: np.float32, 5: np.int32, 7: np.int64, 10: np.float64}
_ATTRIBUTE = {"name": 1, "f": 2, "i": 3, "s": 4, "t": 5, "floats": 7, "ints": 8}
_REFUSED_ATTRIBUTES = {6: "subgraph", 11: "subgraph", 22: "sparse tensor", 23: "sparse tensor"}


Declared = list[int | None] | None
"""A shape stated in a file; None for a free dimension, or where there is none."""


@dataclass(frozen=True)
class Tensor:
    """A constant.

    Attributes:
        name: Its name.
        shape: Its dimensions.
        value: Its numbers; None for a larger tensor, or a type that shapes do not have.
    """

    name: str
    shape: tuple[int, ...]
    value: npt.NDArray[Any] | None


@dataclass(frozen=True)
class Node:
    """An operator of the graph.

    Attributes:
        kind: Name of the operator.
        inputs: Names of its inputs; an omitted one is "".
        outputs: Names of its outputs.
        attributes: Numbers, texts, lists of numbers and constants by name.
    """

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Graph:
    """The graph of a model.

    Attributes:
        nodes: The operators in the order of computation.
        constants: The stored tensors.
        inputs: Declared shapes of the inputs by name, without the constants.
        outputs: The same of the outputs.
        inner: The same of other tensors.
    """

    nodes: list[Node] = field(default_factory=list)
    constants: list[Tensor] = field(default_factory=list)
    inputs: dict[str, Declared] = field(default_factory=dict)
    outputs: dict[str, Declared] = field(default_factory=dict)
    inner: dict[str, Declared] = field(default_factory=dict)


def read_graph(data: bytes) -> Graph:
    """Parse the graph of an ONNX file.

    Args:
        data: The content of the file.

    Raises:
        ValueError: The bytes are no ONNX model, or one with other parts.
    """
    graphs = []
    for number, wire_type, start, end in fields(data):
        if wire_type == LENGTH_DELIMITED and number == _MODEL["graph"]:
            graphs.append((start, end))
        elif number in (_MODEL["functions"], _MODEL["training_info"]):
            raise ValueError("it holds functions or training information")
    if len(graphs) != 1:
        raise ValueError(f"it has {len(graphs) or 'no'} graph{'s' * (len(graphs) > 1)}")
    graph, node_bytes = Graph(), 0
    tables = {
        _GRAPH["input"]: graph.inputs,
        _GRAPH["output"]: graph.outputs,
        _GRAPH["inner"]: graph.inner,
    }
    for number, wire_type, start, end in fields(data, *graphs[0]):
        if wire_type != LENGTH_DELIMITED:
            continue
        if number == _GRAPH["node"]:
            node_bytes += end - start
            if len(graph.nodes) == MAX_NODES or node_bytes > MAX_NODE_BYTES:
                raise ValueError(
                    f"it has more than {MAX_NODES} nodes, or {MAX_NODE_BYTES} bytes of them"
                )
            graph.nodes.append(_node(data, start, end))
        elif number == _GRAPH["initializer"]:
            if len(graph.constants) == MAX_CONSTANTS:
                raise ValueError(f"it has more than {MAX_CONSTANTS} constants")
            graph.constants.append(_tensor(data, start, end))
        elif number in tables:
            name, shape = _declaration(data, start, end)
            tables[number][name] = shape
        elif number == _SPARSE_INITIALIZER:
            raise ValueError("it holds sparse constants")
    for tensor in graph.constants:
        graph.inputs.pop(tensor.name, None)
    return graph


def _declaration(data: bytes, start: int, end: int) -> tuple[str, Declared]:
    """Decode the name and the shape of a ValueInfoProto."""
    name = b""
    shape: Declared = None
    for number, wire_type, first, last in fields(data, start, end, _MOST_FIELDS):
        if number == 1 and wire_type == LENGTH_DELIMITED:
            name = data[first:last]
        elif number == 2 and wire_type == LENGTH_DELIMITED:
            for tensor_type in _parts(data, first, last, 1):
                for shape_part in _parts(data, *tensor_type, 2):
                    shape = (shape or []) + [
                        _dimension(data, *part) for part in _parts(data, *shape_part, 1)
                    ]
    return name.decode("utf-8"), shape


def _parts(data: bytes, start: int, end: int, wanted: int) -> Iterator[tuple[int, int]]:
    """Iterate over the positions of the messages of a field."""
    for number, wire_type, first, last in fields(data, start, end, _MOST_FIELDS):
        if number == wanted and wire_type == LENGTH_DELIMITED:
            yield first, last


def _dimension(data: bytes, start: int, end: int) -> int | None:
    """Decode a dimension: its length, or None for a name."""
    found = None
    for number, wire_type, value, _ in fields(data, start, end, _MOST_FIELDS):
        if number == 1 and wire_type == VARINT:
            found = signed(value)
    return found


def _node(data: bytes, start: int, end: int) -> Node:
    inputs: list[str] = []
    outputs: list[str] = []
    attributes: dict[str, Any] = {}
    kind = domain = ""
    for number, wire_type, first, last in fields(data, start, end):
        if wire_type != LENGTH_DELIMITED:
            continue
        if number == _NODE["attribute"]:
            name, value = _attribute(data, first, last)
            if name in attributes:
                raise ValueError(f"a node has the attribute {name:.40} twice")
            attributes[name] = value
        elif number in _NODE.values():
            text = data[first:last].decode("utf-8")
            if number == _NODE["input"]:
                inputs.append(text)
            elif number == _NODE["output"]:
                outputs.append(text)
            elif number == _NODE["op_type"]:
                kind = text
            else:
                domain = text
    if domain not in ("", "ai.onnx"):
        raise ValueError(f"it uses the operator {kind:.40} of the domain {domain:.40}")
    return Node(kind, tuple(inputs), tuple(outputs), attributes)


def _attribute(data: bytes, start: int, end: int) -> tuple[str, Any]:
    name = ""
    value: Any = None
    ints: list[int] = []
    floats: list[float] = []
    for number, wire_type, first, last in fields(data, start, end):
        if number in _REFUSED_ATTRIBUTES:
            raise ValueError(f"a node holds a {_REFUSED_ATTRIBUTES[number]}")
        if number == _ATTRIBUTE["ints"]:
            ints += _integers(data, wire_type, first, last)
        elif number == _ATTRIBUTE["i"] and wire_type == VARINT:
            value = signed(first)
        elif number == _ATTRIBUTE["floats"] and wire_type in (FIXED32, LENGTH_DELIMITED):
            floats += np.frombuffer(data[first:last], "<f4").tolist()
        elif number == _ATTRIBUTE["f"] and wire_type == FIXED32:
            (value,) = struct.unpack("<f", data[first:last])
        elif wire_type == LENGTH_DELIMITED and number == _ATTRIBUTE["name"]:
            name = data[first:last].decode("utf-8")
        elif wire_type == LENGTH_DELIMITED and number == _ATTRIBUTE["s"]:
            value = data[first:last].decode("utf-8", "replace")
        elif wire_type == LENGTH_DELIMITED and number == _ATTRIBUTE["t"]:
            if isinstance(value, Tensor):
                raise ValueError(f"the attribute {name:.40} has two values")
            value = _tensor(data, first, last)
    return name, value if value is not None else tuple(ints or floats)


def _integers(data: bytes, wire_type: int, first: int, last: int) -> Iterator[int]:
    """Decode a repeated field of signed integers, packed or not."""
    if wire_type == VARINT:
        yield signed(first)
    elif wire_type == LENGTH_DELIMITED:
        yield from map(signed, packed_varints(data, first, last))


def _tensor(data: bytes, start: int, end: int) -> Tensor:
    shape: list[int] = []
    kind, name, raw, typed = 0, "", None, []
    for number, wire_type, first, last in fields(data, start, end, _MOST_FIELDS):
        if number == _TENSOR["dims"]:
            shape += _integers(data, wire_type, first, last)
        elif number == _TENSOR["data_type"] and wire_type == VARINT:
            kind = first
        elif number == _TENSOR["name"] and wire_type == LENGTH_DELIMITED:
            name = data[first:last].decode("utf-8")
        elif number == _TENSOR["raw"] and wire_type == LENGTH_DELIMITED:
            raw = (first, last)
        elif number in _TYPED_DATA:
            typed.append((number, wire_type, first, last))
        elif number == _TENSOR["external"] or (number == _TENSOR["location"] and first):
            raise ValueError(f"the constant {name:.40} is stored in another file")
    size = math.prod(shape)
    # Each number takes at least half a byte, for the four-bit types.
    if any(length < 0 for length in shape) or size > 2 * (end - start) or kind == _STRING:
        raise ValueError(f"the constant {name:.40} of the shape {shape} does not hold its numbers")
    value = None
    if size <= MAX_VALUE_SIZE and kind in _NUMBER_TYPES:
        numbers = _raw_numbers(data, raw, kind) if raw else _typed_numbers(data, typed)
        value = np.asarray(numbers).astype(_NUMBER_TYPES[kind]).reshape(shape)
    return Tensor(name, tuple(shape), value)


def _raw_numbers(data: bytes, raw: tuple[int, int], kind: int) -> npt.NDArray[Any]:
    return np.frombuffer(data[slice(*raw)], np.dtype(_NUMBER_TYPES[kind]).newbyteorder("<"))


def _typed_numbers(data: bytes, typed: list[tuple[int, int, int, int]]) -> npt.NDArray[Any]:
    numbers: list[float] = []
    for number, wire_type, first, last in typed:
        dtype = np.dtype(_TYPED_DATA[number])
        if dtype.kind == "i":
            numbers += _integers(data, wire_type, first, last)
        else:
            numbers += np.frombuffer(data[first:last], dtype.newbyteorder("<")).tolist()
    return np.asarray(numbers)
