"""The metadata properties of an ONNX file, read without ONNX Runtime.

An ONNX file is one Protocol Buffers message, ModelProto of
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Only its top-level fields are read; the
graph, which holds nearly all bytes, is skipped.
"""

from collections.abc import Collection

from emorec.models.protobuf import LENGTH_DELIMITED, fields

MAX_PROPERTY_BYTES = 16 * 2**20
"""Larger properties are refused."""

_GRAPH, _METADATA_PROPS = 7, 14
_KEY, _VALUE = 1, 2


def read_properties(data: bytes, keys: Collection[str]) -> dict[str, str]:
    """Read some metadata properties of an ONNX file.

    Args:
        data: The content of the file.
        keys: The properties to return.

    Returns:
        The properties that exist, by key. The last one of a repeated key counts, as for ONNX
        Runtime.

    Raises:
        ValueError: The bytes are no ONNX model.
    """
    found = {}
    has_graph = False
    for number, wire_type, start, end in fields(data):
        if wire_type != LENGTH_DELIMITED:
            continue
        has_graph |= number == _GRAPH
        if number == _METADATA_PROPS:
            length = end - start
            if length > MAX_PROPERTY_BYTES:
                raise ValueError(f"a property has {length} bytes; at most {MAX_PROPERTY_BYTES}")
            parts = {_KEY: b"", _VALUE: b""}
            for part, part_type, part_start, part_end in fields(data, start, end, 16):
                if part in parts and part_type == LENGTH_DELIMITED:
                    parts[part] = data[part_start:part_end]
            key = parts[_KEY].decode("utf-8")
            if key in keys:
                found[key] = parts[_VALUE].decode("utf-8")
    if not has_graph:
        raise ValueError("it has no graph")
    return found
