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
    groups = group_lines(Path("f"), lines, parse, start=10)
    assert groups == [g if isinstance(g, SourceGroup) else SourceGroup(*g) for g in expected]


def test_a_line_that_cannot_be_parsed():
    with pytest.raises(DataError, match=r"^f: .* after byte 7"):
        group_lines(Path("f"), [b"a 0 ok", b"?"], parse)


def test_a_torn_line_does_not_count(tmp_path: Path):
    assert complete_lines(tmp_path / "none") == []
    (tmp_path / "a").write_bytes(b"one\ntwo\nthr")
    assert complete_lines(tmp_path / "a") == [b"one", b"two"]
    with pytest.raises(DataError, match="cannot resume"):
        complete_lines(tmp_path)


@pytest.mark.parametrize(
    ("name", "expected"), [("é.jpg", "é.jpg"), ("a\n\r.jpg", "a\\n\\r.jpg"), ("\udcff", "\\udcff")]
)
def test_names_stay_on_one_line(name, expected):
    assert escaped_name(name) == expected
