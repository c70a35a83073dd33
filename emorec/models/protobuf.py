"""Reading of Protocol Buffers messages without their library.

https://protobuf.dev/programming-guides/encoding/ describes the format. Groups, which ONNX does not
use, are refused.
"""

from collections.abc import Iterator

VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5

MAX_FIELDS = 100_000
"""A message with more fields is refused; the limit bounds the time spent on a hostile file."""

_MAX_VARINT_BYTES = 10
_MAX_TAG = 2**32 - 1
_WIDTHS = {FIXED64: 8, FIXED32: 4}


def fields(
    data: bytes, start: int = 0, end: int | None = None, most: int = MAX_FIELDS
) -> Iterator[tuple[int, int, int, int]]:
    """Iterate over the fields of a message.

    Args:
        data: Bytes that contain the message.
        start: Position of the message.
        end: Position after the message; None for the end of the bytes.
        most: Most fields of the message.

    Yields:
        Number of the field, its wire type, and where its content starts and ends. For a `VARINT`
        these two are the value, unsigned, and 0.

    Raises:
        ValueError: The bytes are no message.
    """
    end = len(data) if end is None else end
    position = start
    for _ in range(most):
        if position == end:
            return
        tag, position = varint(data, position, end)
        number, wire_type = tag >> 3, tag & 7
        if not number or tag > _MAX_TAG:
            raise ValueError(f"a field has the tag {tag}")
        if wire_type == VARINT:
            value, position = varint(data, position, end)
            yield number, VARINT, value, 0
            continue
        if wire_type == LENGTH_DELIMITED:
            length, position = varint(data, position, end)
        elif wire_type in _WIDTHS:
            length = _WIDTHS[wire_type]
        else:
            raise ValueError(f"field {number} has the unknown wire type {wire_type}")
        if position + length > end:
            raise ValueError(f"field {number} ends after the file")
        yield number, wire_type, position, position + length
        position += length
    if position != end:
        raise ValueError(f"it has more than {most} fields")


def varint(data: bytes, position: int, end: int) -> tuple[int, int]:
    """Read an unsigned number, seven bits a byte, the lowest first.

    Returns:
        The number and the position after it.

    Raises:
        ValueError: There is none.
    """
    value = shift = 0
    for position in range(position, min(end, position + _MAX_VARINT_BYTES)):  # noqa: B020
        byte = data[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position + 1
        shift += 7
    if shift == 7 * _MAX_VARINT_BYTES:
        raise ValueError("a number has more than 10 bytes")
    raise ValueError("it ends inside a field")


def signed(value: int) -> int:
    """Convert a 64-bit varint to a signed number."""
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value


def packed_varints(data: bytes, start: int, end: int) -> Iterator[int]:
    """Iterate over the unsigned numbers of a packed repeated field."""
    while start < end:
        value, start = varint(data, start, end)
        yield value
