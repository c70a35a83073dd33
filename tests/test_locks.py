import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from emorec.errors import DataError
from emorec.locks import locked

HOLD = """
import sys, time
from pathlib import Path
from emorec.locks import locked
with locked(Path(sys.argv[1]), "runs/a: another emorec train uses this run"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_the_files_are_removed_after_the_block(tmp_path: Path):
    for _ in range(2):
        with locked(tmp_path / "lock", "busy"):
            owner = json.loads((tmp_path / "lock-owner").read_text())
            assert (owner["pid"], owner["host"]) == (os.getpid(), socket.gethostname())
        assert list(tmp_path.iterdir()) == []


def test_an_error_in_the_block_releases_it(tmp_path: Path):
    with pytest.raises(OSError, match="of the work"), locked(tmp_path / "lock", "busy"):
        raise OSError("of the work")
    assert list(tmp_path.iterdir()) == []


def test_another_process_has_it_and_is_named(tmp_path: Path):
    lock = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(lock)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        expected = (
            f"runs/a: busy (process {holder.pid} on {socket.gethostname()}, since "
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*); wait until it ends"
        )
        with pytest.raises(DataError) as caught, locked(lock, "runs/a: busy"):
            pass
        pattern = expected.replace("(", r"\(").replace(")", r"\)")
        assert re.fullmatch(pattern, str(caught.value))
        assert {path.name for path in tmp_path.iterdir()} == {"lock", "lock-owner"}
        holder.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        holder.wait()
        with locked(lock, "busy"):  # what a killed process leaves is no lock
            assert json.loads((tmp_path / "lock-owner").read_text())["pid"] == os.getpid()
    finally:
        holder.kill()
        holder.communicate()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, b"", b"\xff", b"[]", b'{"pid": 1}'])
def test_a_damaged_description_of_the_owner(tmp_path: Path, content: bytes | None):
    if content is not None:
        (tmp_path / "lock-owner").write_bytes(content)
    with FileLock(tmp_path / "lock"):
        with pytest.raises(DataError) as caught, locked(tmp_path / "lock", "busy"):
            pass
        assert str(caught.value) == "busy (process unknown); wait until it ends"


def test_a_lock_whose_file_was_just_removed_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    lock = tmp_path / "lock"
    acquire = FileLock.acquire

    def late(self: FileLock, *args: object, **options: object) -> object:
        found = acquire(self, *args, **options)
        lock.unlink()
        lock.with_name("new").touch()  # so that the number of the inode is not used again
        lock.touch()
        return found

    monkeypatch.setattr(FileLock, "acquire", late)
    with pytest.raises(DataError, match=r"^busy; try again$"), locked(lock, "busy"):
        pass
    assert lock.exists()  # it is another process's
    assert not (tmp_path / "lock-owner").exists()


def test_a_missing_folder(tmp_path: Path):
    with (
        pytest.raises(DataError, match="lock: cannot lock: No such file"),
        locked(tmp_path / "missing" / "lock", "busy"),
    ):
        pass


def test_a_file_system_without_locks_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def fail(*_: object, **__: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(FileLock, "acquire", fail)
    with locked(tmp_path / "lock", "busy"):
        pass
    assert "this file system has no locks" in caplog.text
    assert list(tmp_path.iterdir()) == []
