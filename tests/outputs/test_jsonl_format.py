import json
from pathlib import Path

import pytest
from helpers.example_records import LABELS, RECORDS

from emorec.errors import DataError
from emorec.outputs.jsonl_format import JsonLinesWriter, jsonl_groups
from emorec.outputs.records import SCHEMA_VERSION, record_of_version


def test_each_record_is_a_line_at_once(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    with JsonLinesWriter(str(path)) as writer:
        for count, record in enumerate(RECORDS, 1):
            writer.add(record)
            assert path.read_bytes().count(b"\n") == count
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [{"schema_version": SCHEMA_VERSION, **record} for record in RECORDS]


def test_a_file_of_schema_version_2_is_continued_in_it(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    lines = [{"schema_version": 2, **record_of_version(record, 2)} for record in RECORDS]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines[:2]))
    assert len(list(jsonl_groups(path, LABELS))) == 2
    with JsonLinesWriter(str(path), resume=True) as writer:
        for record in RECORDS[2:]:
            writer.add(record)
    assert [json.loads(line) for line in path.read_text().splitlines()] == lines
    assert writer.note == f"{path}: continued in its schema version 2, which has no landmarks"


@pytest.mark.parametrize("content", [None, "", "text\n", "[1]\n", '{"schema_version": 1}\n'])
def test_other_files_are_continued_in_the_current_version(tmp_path: Path, content: str | None):
    path = tmp_path / "a.jsonl"
    if content is not None:
        path.write_text(content)
    with JsonLinesWriter(str(path), resume=True) as writer:
        writer.add(RECORDS[0])
    assert json.loads(path.read_text().splitlines()[-1])["schema_version"] == SCHEMA_VERSION
    assert writer.note is None


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
        list(jsonl_groups(path, LABELS))
