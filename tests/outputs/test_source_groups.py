import tracemalloc
from itertools import islice
from pathlib import Path

import pytest

from emorec.errors import DataError
from emorec.outputs.source_groups import (
    ParsedLine,
    SourceGroup,
    complete_lines,
    escaped_name,
    group_lines,
)


def parse(line: bytes) -> ParsedLine:
    name, frame, status = line.decode().split()
    return ParsedLine(name, (int(frame), 0), status)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        ([b"a 0 ok"], [SourceGroup("a", 17, False)]),
        # A video of two frames, then the same video again.
        ([b"a 0 ok", b"a 1 ok", b"a 0 ok"], [SourceGroup("a", 24, False), ("a", 31, False)]),
        ([b"a 0 unreadable", b"b 1 ok"], [SourceGroup("a", 25, True), ("b", 32, False)]),
    ],
)
def test_lines_about_one_source_are_a_group(lines, expected):
    groups = list(group_lines(Path("f"), lines, parse, start=10))
    assert groups == [g if isinstance(g, SourceGroup) else SourceGroup(*g) for g in expected]


def test_a_line_that_cannot_be_parsed():
    with pytest.raises(DataError, match=r"^f: .* after byte 7"):
        list(group_lines(Path("f"), [b"a 0 ok", b"?"], parse))


def test_a_torn_line_does_not_count(tmp_path: Path):
    assert list(complete_lines(tmp_path / "none")) == []
    (tmp_path / "a").write_bytes(b"one\ntwo\nthr")
    assert list(complete_lines(tmp_path / "a")) == [b"one", b"two"]
    with pytest.raises(DataError, match="cannot resume"):
        list(complete_lines(tmp_path))


def test_lines_are_read_one_by_one(tmp_path: Path):
    path = tmp_path / "a"
    path.write_bytes(b"one\n" * 1_000_000)
    lines = group_lines(path, complete_lines(path), lambda line: ParsedLine("a", (0, 0), "ok"))
    tracemalloc.start()
    try:
        assert [group.end for group in islice(lines, 1000)] == list(range(4, 4004, 4))
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("content", [b"x" * 100, b"a\n" + b"x" * 100 + b"\n"])
def test_a_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes):
    monkeypatch.setattr("emorec.outputs.source_groups.MAX_LINE_BYTES", 64)
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DataError, match="a line is longer than"):
        list(complete_lines(tmp_path / "a"))


@pytest.mark.parametrize(
    ("name", "expected"), [("é.jpg", "é.jpg"), ("a\n\r.jpg", "a\\n\\r.jpg"), ("\udcff", "\\udcff")]
)
def test_names_stay_on_one_line(name, expected):
    assert escaped_name(name) == expected
