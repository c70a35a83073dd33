import errno
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from emorec import atomic_files
from emorec.atomic_files import (
    STALE_S,
    replace_path,
    temporary_file,
    write_bytes,
    write_json,
    written_whole,
)
from emorec.errors import DataError


@pytest.mark.parametrize("old", [None, b"old"])
def test_a_file_is_replaced_at_the_end(tmp_path: Path, old: bytes | None):
    target = tmp_path / "model.onnx"
    if old is not None:
        target.write_bytes(old)
    with written_whole(target) as partial:
        assert partial.suffix == ".onnx"
        partial.write_bytes(b"new")
        assert (target.read_bytes() if target.exists() else None) == old
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


def test_an_error_leaves_the_old_file(tmp_path: Path):
    target = tmp_path / "model.onnx"
    target.write_bytes(b"old")

    def fail() -> None:
        with written_whole(target) as partial:
            partial.write_bytes(b"half")
            raise KeyError("k")

    with pytest.raises(KeyError):
        fail()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_error_of_the_disk_is_a_data_error(tmp_path: Path):
    target = tmp_path / "missing" / "figures.json"
    with pytest.raises(DataError) as caught:
        write_bytes(target, b"")
    assert str(caught.value) == f"{target}: cannot write: No such file or directory"


def test_json_is_indented_and_readable(tmp_path: Path):
    write_json(tmp_path / "x.json", {"name": "Müller"})
    assert (tmp_path / "x.json").read_bytes() == '{\n  "name": "Müller"\n}\n'.encode()


POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has no such files")


@POSIX
@pytest.mark.parametrize("old", [None, b"old"])
def test_the_target_of_a_link_is_replaced(tmp_path: Path, old: bytes | None):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "a.json", tmp_path / "link.json"
    link.symlink_to("there/a.json")
    if old is not None:
        target.write_bytes(old)
    with written_whole(link) as partial:
        assert partial.parent == target.parent.resolve()
        partial.write_bytes(b"new")
        assert (target.read_bytes() if target.exists() else None) == old
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert list(target.parent.iterdir()) == [target]


@POSIX
def test_a_link_to_itself_is_an_error(tmp_path: Path):
    (tmp_path / "a").symlink_to("a")
    with pytest.raises(DataError, match="a: cannot write: Too many levels of symbolic links"):
        write_bytes(tmp_path / "a", b"new")


@POSIX
def test_a_fifo_is_written_to(tmp_path: Path):
    fifo, received = tmp_path / "fifo.json", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: received.append(fifo.read_bytes()))
    reader.start()
    write_bytes(fifo, b"new")
    reader.join(30)
    assert received == [b"new"]
    assert fifo.is_fifo()
    assert list(tmp_path.iterdir()) == [fifo]


@POSIX
def test_a_device_is_written_to():
    write_bytes(Path(os.devnull), b"new")
    assert Path(os.devnull).is_char_device()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_device_that_is_full():
    with pytest.raises(DataError, match=r"^/dev/full: cannot write: No space left on device$"):
        write_bytes(Path("/dev/full"), b"new")


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="the system has no /dev/stdout")
def test_an_open_file_is_appended_to(tmp_path: Path):
    code = "import emorec.atomic_files as a, pathlib; print(1, flush=True); "
    code += "a.write_bytes(pathlib.Path('/dev/stdout'), b'2')"
    with (tmp_path / "out").open("wb") as out:
        inode = os.fstat(out.fileno()).st_ino
        subprocess.run([sys.executable, "-c", code], stdout=out, check=True)
    assert (tmp_path / "out").read_bytes() == b"1\n2"
    assert (tmp_path / "out").stat().st_ino == inode


def test_a_folder_is_an_error(tmp_path: Path):
    with pytest.raises(DataError, match="cannot write: Is a directory"):
        write_bytes(tmp_path, b"new")


@POSIX
def test_a_new_file_has_the_permissions_of_a_plain_one(tmp_path: Path):
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "a", b"new")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_names_of_temporary_files_cannot_be_predicted(tmp_path: Path):
    with temporary_file(tmp_path / "a.mp4") as one, temporary_file(tmp_path / "a.mp4") as other:
        assert one.name.rpartition("-")[0] == other.name.rpartition("-")[0]
        assert one != other
        assert one.suffix == other.suffix == ".mp4"
        assert one.read_bytes() == b""
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "urandom", bytes)
    with temporary_file(tmp_path / "a") as taken:
        taken.write_bytes(b"mine")
        with pytest.raises(DataError, match="a: cannot write: File exists"):
            write_bytes(tmp_path / "a", b"new")


@pytest.mark.parametrize("name", ["x" * 255, "x" * 250 + ".json", "x." + "s" * 253, "é" * 127])
def test_long_names(tmp_path: Path, name: str):
    write_bytes(tmp_path / name, b"new")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@POSIX
def test_stale_files_of_ended_processes_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(atomic_files, "_swept", set())
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    host = atomic_files._host()
    names = {
        "stale": f".partial-{ended.pid}-{host}-{'a' * 16}.jpg",
        "young": f".partial-{ended.pid}-{host}-{'b' * 16}.jpg",
        "of a running process": f".partial-{os.getpid()}-{host}-{'c' * 16}.jpg",
        "of another host": f".partial-{ended.pid}-00000000-{'d' * 16}.jpg",
        "of another program": f".partial-{ended.pid}-notes.txt",
    }
    assert host != "00000000"
    for kind, name in names.items():
        (tmp_path / name).touch()
        if kind != "young":
            old = (tmp_path / name).stat().st_mtime - STALE_S - 60
            os.utime(tmp_path / name, (old, old))
    write_bytes(tmp_path / "a", b"new")
    del names["stale"]
    assert {path.name for path in tmp_path.iterdir()} == {"a", *names.values()}


def test_the_host_is_part_of_the_name(monkeypatch: pytest.MonkeyPatch):
    assert len(atomic_files._host()) == 8
    assert socket.gethostname()  # it has a name to tell apart
    if hasattr(os, "uname"):
        own = atomic_files._host()
        monkeypatch.setattr(os, "uname", lambda: os.uname_result(("", "other", "", "", "")))
        assert atomic_files._host() != own


def test_the_end_of_a_process_waits_for_files_in_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(atomic_files, "_open_to_new", threading.Lock())
    monkeypatch.setattr(atomic_files, "_partials", set())
    begun, resume = threading.Event(), threading.Event()

    def write(name: str, wait: bool) -> None:
        with written_whole(tmp_path / name) as partial:
            partial.write_bytes(b"new")
            begun.set()
            if wait:
                resume.wait(30)

    first = threading.Thread(target=write, args=("first", True))
    first.start()
    begun.wait(30)
    threading.Timer(0.2, resume.set).start()
    atomic_files.finish_partials(30)
    assert [path.name for path in tmp_path.iterdir()] == ["first"]
    second = threading.Thread(target=write, args=("second", False), daemon=True)
    second.start()
    second.join(0.2)
    assert [path.name for path in tmp_path.iterdir()] == ["first"]
    atomic_files._open_to_new.release()
    second.join(30)


def test_the_end_of_a_process_removes_what_does_not_get_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(atomic_files, "_open_to_new", threading.Lock())
    monkeypatch.setattr(atomic_files, "_partials", set())
    with temporary_file(tmp_path / "a"):
        atomic_files.finish_partials(0.05)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("platform", "refusals", "moved"),
    [("win32", 0, True), ("win32", 3, True), ("linux", 0, True), ("linux", 1, False)],
)
def test_windows_refuses_to_replace_an_open_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, refusals: int, moved: bool
):
    """Another program, such as a virus scanner, closes it soon."""
    new, old = tmp_path / "new", tmp_path / "old"
    new.write_bytes(b"new")
    old.write_bytes(b"old")
    replace, calls = Path.replace, []

    def busy(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) <= refusals:
            raise PermissionError(errno.EACCES, "in use")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", busy)
    monkeypatch.setattr(sys, "platform", platform)
    if moved:
        replace_path(new, old)
    else:
        with pytest.raises(PermissionError):
            replace_path(new, old)
    assert old.read_bytes() == (b"new" if moved else b"old")
    assert len(calls) == (refusals + 1 if moved else 1)


def test_a_file_that_stays_open_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def busy(self: Path, target: Path) -> Path:
        raise PermissionError(errno.EACCES, "in use")

    monkeypatch.setattr(Path, "replace", busy)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(atomic_files, "_BUSY_S", 0.0)
    (tmp_path / "old").write_bytes(b"old")
    with pytest.raises(DataError, match="old: cannot write: in use"):
        write_bytes(tmp_path / "old", b"new")
    assert (tmp_path / "old").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
