import json
from pathlib import Path

import pytest
from helpers.example_records import LABELS, RECORDS

from emorec.errors import DataError
from emorec.outputs.jsonl_format import JsonLinesWriter, jsonl_groups
from emorec.outputs.records import SCHEMA_VERSION


def test_each_record_is_a_line_at_once(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    with JsonLinesWriter(str(path)) as writer:
        for count, record in enumerate(RECORDS, 1):
            writer.add(record)
            assert path.read_bytes().count(b"\n") == count
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [{"schema_version": SCHEMA_VERSION, **record} for record in RECORDS]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text\n", "did not write the line after byte 0"),
        (b"{}\n", "did not write"),
        (b"[" * 100_000 + b"\n", "did not write"),
        (b'{"schema_version": 1, "source": "a", "frame": null, "status": "ok"}\n', "version 1"),
    ],
)
def test_files_of_another_kind(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        jsonl_groups(path, LABELS)
