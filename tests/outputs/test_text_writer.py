import os
import threading
from pathlib import Path

import pytest

from emorec import streams
from emorec.errors import DataError
from emorec.outputs.text_writer import TextWriter


class Titled(TextWriter):
    """A writer whose files begin with a title."""

    def _begin(self):
        self.write("title\n")


def test_a_new_file_and_a_resumed_one(tmp_path: Path):
    path = tmp_path / "a.txt"
    for resume, expected in [
        (True, "title\nline\n"),
        (True, "title\nline\nline\n"),
        (False, "title\nline\n"),
    ]:
        with Titled(str(path), resume) as writer:
            writer.write("line\n")
            assert path.read_text() == expected


def test_standard_output(capsys):
    with Titled("-") as writer:
        writer.write("line\n")
    print("open")
    assert capsys.readouterr().out == "title\nline\nopen\n"


def test_a_full_disk():
    with (
        pytest.raises(DataError, match="/dev/full: cannot write: No space left"),
        Titled("/dev/full"),
    ):
        pass


def test_a_missing_folder(tmp_path: Path):
    with (
        pytest.raises(DataError, match="cannot write: No such file"),
        Titled(str(tmp_path / "a/b")),
    ):
        pass


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no FIFOs")
def test_a_fifo(tmp_path: Path):
    fifo, received = tmp_path / "fifo", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: received.append(fifo.read_text()))
    reader.start()
    with Titled(str(fifo)) as writer:
        writer.write("line\n")
    reader.join(30)
    assert received == ["title\nline\n"]


def test_standard_output_that_was_closed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streams, "_missing", {"stdout"})
    with pytest.raises(DataError, match="standard output is closed"), Titled("-"):
        pass
