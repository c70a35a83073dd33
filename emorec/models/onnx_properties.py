"""The metadata properties of an ONNX file, read without ONNX Runtime.

An ONNX file is one Protocol Buffers message, ModelProto of
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Only its top-level fields are read; the
graph, which holds nearly all bytes, is skipped.
"""

import io
from collections.abc import Collection, Iterator
from typing import BinaryIO

MAX_PROPERTY_BYTES = 16 * 2**20
"""Larger properties are refused."""

_MAX_FIELDS = 100_000
"""More fields than that are no model; the limit bounds the time spent on a hostile file."""

_GRAPH, _METADATA_PROPS = 7, 14
_KEY, _VALUE = 1, 2
_VARINT, _FIXED64, _LENGTH_DELIMITED, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BYTES = 10
_MAX_TAG = 2**32 - 1


def read_properties(file: BinaryIO, size: int, keys: Collection[str]) -> dict[str, str]:
    """Read some metadata properties of an ONNX file.

    Args:
        file: The file, seekable, at its start.
        size: Its size in bytes.
        keys: The properties to return.

    Returns:
        The properties that exist, by key. The last one of a repeated key counts, as for ONNX
        Runtime.

    Raises:
        ValueError: The bytes are no ONNX model.
    """
    found = {}
    has_graph = False
    for number, data in _fields(file, size, _METADATA_PROPS):
        has_graph |= number == _GRAPH
        if number == _METADATA_PROPS:
            parts = {_KEY: b"", _VALUE: b""}
            parts.update(_fields(io.BytesIO(data), len(data), _KEY, _VALUE))
            key = parts[_KEY].decode("utf-8")
            if key in keys:
                found[key] = parts[_VALUE].decode("utf-8")
    if not has_graph:
        raise ValueError("it has no graph")
    return found


def _fields(file: BinaryIO, end: int, *numbers: int) -> Iterator[tuple[int, bytes]]:
    """Read the length-delimited fields of a message.

    Args:
        file: Seekable, at the start of the message.
        end: Position after the message.
        numbers: The fields whose content is read; that of the others is skipped.

    Yields:
        Number and content of each field; the content is empty where it was skipped.
    """
    for _ in range(_MAX_FIELDS):
        if file.tell() == end:
            return
        tag = _varint(file)
        number, wire_type = tag >> 3, tag & 7
        if not number or tag > _MAX_TAG:
            raise ValueError(f"a field has the tag {tag}")
        length = {_VARINT: 0, _FIXED64: 8, _FIXED32: 4}.get(wire_type)
        if wire_type == _VARINT:
            _varint(file)
        elif wire_type == _LENGTH_DELIMITED:
            length = _varint(file)
        if length is None:
            raise ValueError(f"field {number} has the unknown wire type {wire_type}")
        if file.tell() + length > end:
            raise ValueError(f"field {number} ends after the file")
        content = b""
        if wire_type == _LENGTH_DELIMITED and number in numbers:
            if length > MAX_PROPERTY_BYTES:
                raise ValueError(f"a property has {length} bytes; at most {MAX_PROPERTY_BYTES}")
            content = file.read(length)
        else:
            file.seek(length, io.SEEK_CUR)
        if wire_type == _LENGTH_DELIMITED:
            yield number, content
    raise ValueError(f"it has more than {_MAX_FIELDS} fields")


def _varint(file: BinaryIO) -> int:
    """Read an unsigned number, seven bits a byte, the lowest first."""
    value = 0
    for position in range(_MAX_VARINT_BYTES):
        byte = file.read(1)
        if not byte:
            raise ValueError("it ends inside a field")
        value |= (byte[0] & 0x7F) << 7 * position
        if byte[0] < 0x80:
            return value
    raise ValueError("a number has more than 10 bytes")
