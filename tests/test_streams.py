"""Closed standard streams: `command >&-` in a shell."""

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
