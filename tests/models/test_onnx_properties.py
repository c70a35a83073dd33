import onnx
import pytest
from google.protobuf.message import DecodeError
from helpers.onnx_models import tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st

from emorec.metadata import METADATA_KEY
from emorec.models import onnx_properties
from emorec.models.onnx_properties import read_properties

GRAPH = b"\x3a\x00"
"""Field 7, empty."""

ENTRY = b"\x72"
"""Tag of field 14."""


def read(data: bytes, *keys: str) -> dict[str, str]:
    return read_properties(data, keys or (METADATA_KEY,))


def by_onnx(data: bytes) -> dict[str, str]:
    """The last one of a repeated key counts."""
    return {entry.key: entry.value for entry in onnx.load_from_string(data).metadata_props}


def test_the_requested_properties():
    model = tiny_model()
    model.metadata_props.add(key="empty", value="")
    model.metadata_props.add(key="ü", value="text \u2013 more" * 10_000)
    data = model.SerializeToString()
    assert read(data, METADATA_KEY, "empty", "ü", "missing") == by_onnx(data)
    assert read(data, "empty") == {"empty": ""}
    assert read(data, "missing") == {}


def test_fields_of_every_wire_type_are_skipped():
    entry = b"\x0a\x01k\x12\x01v"
    data = (
        b"\x08\x96\x01"  # a varint
        b"\x11\x00\x01\x02\x03\x04\x05\x06\x07"  # a fixed64
        b"\x1d\x00\x01\x02\x03"  # a fixed32
        b"\x22\x03abc" + ENTRY + bytes([len(entry)]) + entry + GRAPH
    )
    assert read(data, "k") == {"k": "v"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no graph"),
        (b"\x08\x07", "no graph"),
        (b"hello", "unknown wire type 4"),
        (b"\0" * 100, "the tag 0"),
        (GRAPH + b"\x80" * 20, "more than 10 bytes"),
        (GRAPH + b"\x80", "ends inside a field"),
        (GRAPH + ENTRY, "ends inside a field"),
        (GRAPH + ENTRY + b"\xff" * 9 + b"\x01", "ends after the file"),  # a length of 2**64 - 1
        (GRAPH + ENTRY + b"\x05abc", "ends after the file"),
        (GRAPH + ENTRY + b"\x02\x0a\x05", "ends after the file"),  # a key longer than its entry
        (GRAPH + ENTRY + b"\x04\x0a\x02\xff\xfe", "invalid start byte"),  # not UTF-8
        (GRAPH + b"\x0b\x0c", "unknown wire type 3"),  # a group
        (GRAPH + b"\x0f", "unknown wire type 7"),
        (GRAPH + b"\x09\x00", "ends after the file"),  # a short fixed64
        (GRAPH + b"\x0d\x00", "ends after the file"),  # a short fixed32
        (GRAPH + b"\xfa\xff\xff\xff\xff\x01\x00", "the tag "),  # above 32 bits
        (GRAPH + b"\x08\x00" * 100_001, "more than 100000 fields"),
        (tiny_model().SerializeToString()[:-700], "file|field"),
    ],
)
def test_bytes_that_are_not_an_onnx_model(data, message):
    with pytest.raises(ValueError, match=message):
        read(data)


def test_a_property_over_the_limit_is_not_read(monkeypatch):
    monkeypatch.setattr(onnx_properties, "MAX_PROPERTY_BYTES", 100)
    with pytest.raises(ValueError, match=r"a property has [0-9]+ bytes; at most 100"):
        read(tiny_model().SerializeToString())


def metadata_and_empty_graph() -> bytes:
    model = tiny_model()
    model.ClearField("graph")
    return model.SerializeToString() + GRAPH


@settings(max_examples=500)
@given(data=st.data())
def test_changed_bytes_raise_or_are_read_as_by_onnx(data):
    content = bytearray(metadata_and_empty_graph())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read(bytes(content))
        expected = by_onnx(bytes(content))
    # The messages in other fields may be damaged, which only onnx notices.
    except (ValueError, DecodeError):
        return
    assert found == {key: value for key, value in expected.items() if key == METADATA_KEY}
