"""Reading CSV files of labels and votes."""

import codecs
from pathlib import Path

import pytest

from emorec.datasets.readers import table
from emorec.datasets.readers.image_files import FileImage
from emorec.datasets.readers.table import (
    find_delimiter,
    header_of,
    parse_words,
    read_table,
    text_lines,
    vote_counts,
)
from emorec.errors import DataError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "votes.csv"


BROKEN = {
    "empty": (b"", "the file is empty"),
    "blank lines": (b"\n\n\n", "the file is empty"),
    "missing column": (b"a,c\n1,2\n", "missing column 'b'; found: 'a, c'"),
    "column twice": (b"a,b,b\n1,2,3\n", "more than one column 'b'"),
    "short row": (b"a,b\n1,2\n3\n", "row 3 has 1 values; the header names 2 columns"),
    "long row": (b"a,b\n\n1,2,3\n", "row 3 has 3 values"),
    "not UTF-8": (b"a,b\n\xff\xfe,1\n", "not a CSV file in UTF-8"),
    "open quote": (b'a,b\n1,"2\n', "not a CSV file in UTF-8"),
    "endless field": (b"a,b\n1," + b"2" * 200_000, "not a CSV file in UTF-8"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_tables_are_refused(path: Path, case: str) -> None:
    content, message = BROKEN[case]
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(path, ("a", "b"))
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_folder_or_oversized_table_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_table(path, ())
    with pytest.raises(DataError, match="not a regular file"):
        read_table(path.parent, ())
    path.write_text("a\n1\n")
    monkeypatch.setattr(table, "MAX_BYTES", 3)
    with pytest.raises(DataError, match="larger than"):
        read_table(path, ("a",))


READABLE = {
    "no rows": ("a,b\n", {"a": [], "b": []}, []),
    "plain": ("a,b\n1,2\n3,4\n", {"a": ["1", "3"], "b": ["2", "4"]}, [2, 3]),
    "byte order mark": ("\ufeffa,b\n1,2\n", {"a": ["1"], "b": ["2"]}, [2]),
    "carriage returns, blanks, blank line": (
        "a, b\r\n\r\n 1,2 \r\n",
        {"a": ["1"], "b": ["2"]},
        [3],
    ),
    "quotes": ('a,b\n"x,y","p\nq"\n', {"a": ["x,y"], "b": ["p\nq"]}, [3]),
    "nothing is guessed": ("a,b\nNA,\n", {"a": ["NA"], "b": [""]}, [2]),
}


@pytest.mark.parametrize("case", READABLE)
def test_tables_are_read_as_text(path: Path, case: str) -> None:
    content, columns, lines = READABLE[case]
    path.write_text(content, "utf-8", newline="")
    found = read_table(path, ("a", "b"))
    assert found.columns == columns
    assert found.lines == lines


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-16 of Excel"]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_delimiter_and_encoding_is_read(
    path: Path, encoding: str, delimiter: str, end: str
) -> None:
    rows = [["a", "b"], ["x/é.png", "1"], ['"p,q;r\ts"', ""]]
    text = "".join(delimiter.join(row) + end for row in rows)
    if encoding.endswith("Excel"):
        path.write_bytes(codecs.BOM_UTF16_BE + text.encode("utf-16-be"))
    else:
        path.write_bytes(text.encode(encoding))
    found = read_table(path, ("a", "b"))
    assert found.columns == {"a": ["x/é.png", "p,q;r\ts"], "b": ["1", ""]}
    assert found.lines == [2, 3]
    assert header_of(FileImage(str(path), path.stat().st_size, 0)) == ["a", "b"]


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [("", ","), ("a", ","), ("a;b", ";"), ("a\tb\tc,d", "\t"), ('"a;b;c",d', ",")],
)
def test_the_header_shows_the_delimiter(header: str, delimiter: str) -> None:
    assert find_delimiter(header) == delimiter


def test_damaged_utf_16_is_refused(path: Path) -> None:
    path.write_bytes("a,b\n1,2\n".encode("utf-16") + b"\x00\xd8,\x00")
    with pytest.raises(DataError, match="cannot read"):
        read_table(path, ("a", "b"))


def test_votes_are_counts(path: Path) -> None:
    path.write_text("a,b\n0,10\n1000,7\n")
    assert vote_counts(read_table(path, ()), ("b", "a")).tolist() == [[10, 0], [7, 1000]]


@pytest.mark.parametrize("value", ["", "x", "-1", "1.5", "nan", "1e2", "1001", "0x1", "٣", "1_0"])
def test_a_vote_that_is_no_count_names_its_row(path: Path, value: str) -> None:
    path.write_text(f"a,b\n1,2\n\n3,{value}\n")
    with pytest.raises(DataError, match=r"row 4, column 'b': a vote must be a whole number"):
        vote_counts(read_table(path, ()), ("a", "b"))


def test_a_missing_vote_column_is_refused(path: Path) -> None:
    path.write_text("a\n1\n")
    with pytest.raises(DataError, match="missing column 'b'"):
        vote_counts(read_table(path, ()), ("a", "b"))


def test_a_list_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "list.csv"
    path.write_text("path,label\n" + "a,b\n" * 20)
    monkeypatch.setattr(table, "MAX_ROWS", 10)
    with pytest.raises(DataError, match="over 10 rows"):
        read_table(path, ())


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n \n", []),
        (b"\xef\xbb\xbfa b\r\n\n c \n", [(1, "a b"), (3, "c")]),
        ("ä 1\nb".encode("utf-16"), [(1, "ä 1"), (2, "b")]),
    ],
)
def test_lines_of_a_text(path: Path, content: bytes, lines: list[tuple[int, str]]) -> None:
    path.write_bytes(content)
    assert list(text_lines(FileImage(str(path), len(content), 0))) == lines


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a" * 70_000, "line 1: a list has at most 64 KiB in a line"),
        (b"a\n" * 5, "line 5: .* 4 lines"),
        (b"a\n\xff", "cannot read line 2"),
    ],
)
def test_long_and_broken_texts_are_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    monkeypatch.setattr(table, "MAX_ROWS", 4)
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(text_lines(FileImage(str(path), len(content), 0)))


def test_words_of_lines(path: Path) -> None:
    path.write_text("my photo.jpg 1\tx\n\nb 2 y\n")
    file = FileImage(str(path), 1, 0)
    found = parse_words(file, ("path", "number", "letter"))
    columns = {"path": ["my photo.jpg", "b"], "number": ["1", "2"], "letter": ["x", "y"]}
    assert (found.columns, found.lines) == (columns, [1, 3])
    with pytest.raises(DataError, match="line 3 must have the 4 values a b c d; received 'b 2 y'"):
        parse_words(file, ("a", "b", "c", "d"))
