"""Standard streams that are closed, as by `command >&-` in a shell, and their encodings."""

import io
import subprocess
import sys

import pytest

from emorec import streams
from emorec.errors import DataError

CODE = """
import os, sys
from emorec.streams import replace_missing_streams, require_stdout
replace_missing_streams()
print("lost or not")
print("lost or not", file=sys.stderr)
file = open(os.devnull)
assert file.fileno() > 2, file.fileno()
assert sys.stdin.read() == ""
assert all(os.get_inheritable(number) for number in range(3))
try:
    require_stdout()
    code = 10
except Exception as error:
    code = 11
sys.exit(code)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="shells there cannot close a stream")
@pytest.mark.parametrize(
    ("closed", "code"),
    [("</dev/null", 10), ("</dev/null >&-", 11), ("</dev/null 2>&-", 10), ("<&- >&- 2>&-", 11)],
)
def test_missing_streams_become_the_null_device(closed: str, code: int):
    command = ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, CODE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    lost = ">&-" in closed.split()
    assert done.stdout == ("" if lost else "lost or not\n")
    assert done.stderr == ("" if "2>&-" in closed else "lost or not\n")


def test_what_is_printed_needs_standard_output(monkeypatch: pytest.MonkeyPatch):
    streams.require_stdout()
    monkeypatch.setattr(streams, "_missing", {"stdout"})
    with pytest.raises(DataError, match="-: standard output is closed; name a file instead"):
        streams.require_stdout()


def printed(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("cp1252", b"a \xe9 \\u65e5"), ("cp437", b"a \x82 \\u65e5"), ("utf-8", "a é 日".encode())],
)
def test_characters_that_the_output_lacks(
    monkeypatch: pytest.MonkeyPatch, encoding: str, expected: bytes
):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(UnicodeEncodeError):
        stream.write("\udce9")
    streams.escape_unencodable()
    print("a é 日", end="")
    assert printed(stream) == expected


def test_records_are_printed_as_into_files(monkeypatch: pytest.MonkeyPatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", newline="\r\n")
    monkeypatch.setattr(sys, "stdout", stream)
    print("before")
    streams.write_utf_8()
    print("日")
    assert printed(stream) == b"before\r\n" + "日\n".encode()


def test_other_objects_as_standard_output_stay(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdout", text := io.StringIO())
    streams.escape_unencodable()
    streams.write_utf_8()
    print("日", end="")
    assert text.getvalue() == "日"
