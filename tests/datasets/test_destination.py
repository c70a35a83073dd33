"""The destination folder: folders never replaced, and kills and failures at any moment."""

import errno
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.checkouts import tree

from emorec.datasets import image_writing, prepare
from emorec.datasets.destination import replacing
from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.errors import DataError


def test_a_mount_point_is_refused_before_any_work(
    checkout: Path, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.path.ismount", lambda path: path == dest)
    with pytest.raises(DataError, match="is a mount point"):
        prepare_data(checkout, dest)


@pytest.mark.parametrize("place", [".", "output", "new/FER-2013", ".."])
@pytest.mark.parametrize("overwrite", [False, True])
def test_source_and_destination_are_apart(checkout: Path, place: str, overwrite: bool) -> None:
    before = tree(checkout)
    with pytest.raises(DataError, match="must be outside the source"):
        prepare_data(checkout, checkout / place, PrepareOptions(overwrite=overwrite))
    assert tree(checkout) == before


def test_a_file_or_the_current_folder_is_never_replaced(
    checkout: Path, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dest.write_text("a file")
    with pytest.raises(DataError, match="is a file"):
        prepare_data(checkout, dest, PrepareOptions(overwrite=True))
    assert dest.read_text() == "a file"
    here = dest.with_name("here")
    (here / "below").mkdir(parents=True)
    monkeypatch.chdir(here / "below")
    with pytest.raises(DataError, match="choose a separate folder"):
        prepare_data(checkout, here, PrepareOptions(overwrite=True))
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("HOME", str(here))
    with pytest.raises(DataError, match="choose a separate folder"):
        prepare_data(checkout, here, PrepareOptions(overwrite=True))


KILLED_AT = {
    "the third image": """
        count = itertools.count()
        def check_readable(path, data, header):
            if next(count) == 2:
                kill()
        image_writing.check_readable = check_readable
    """,
    "the manifest": "prepare.manifest_csv = kill",
    "the first move": """
        replace = pathlib.Path.replace
        def stopping(self, target):
            if target.name == "old":
                kill()
            return replace(self, target)
        pathlib.Path.replace = stopping
    """,
    "the second move": """
        replace = pathlib.Path.replace
        def stopping(self, target):
            if self.name == "new":
                kill()
            return replace(self, target)
        pathlib.Path.replace = stopping
    """,
    "the clearing up": "shutil.rmtree = kill",
}


PROGRAM = """
import itertools, os, pathlib, shutil, signal, sys, textwrap
from emorec.datasets import image_writing, prepare
from emorec.datasets.prepare_options import PrepareOptions

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

exec(textwrap.dedent(sys.argv[3]))
source, dest = map(pathlib.Path, sys.argv[1:3])
prepare.prepare_data(source, dest, PrepareOptions(overwrite=True))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("moment", KILLED_AT)
@pytest.mark.parametrize("again", ["same options", "other options"])
def test_a_kill_leaves_the_old_tree_or_the_new_one(
    checkout: Path, dest: Path, moment: str, again: str
) -> None:
    new, old = dest.with_name("expected-new"), dest.with_name("expected-old")
    prepare_data(checkout, new)
    prepare_data(checkout, old, PrepareOptions(classes=8))
    prepare_data(checkout, dest, PrepareOptions(classes=8))
    command = [sys.executable, "-c", PROGRAM, checkout, dest, KILLED_AT[moment]]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    if moment == "the second move":
        # The only moment without a tree: the next run restores the old one first.
        assert not dest.exists()
    else:
        assert tree(dest) == tree(new if moment == "the clearing up" else old)
    if again == "same options":
        prepare_data(checkout, dest, PrepareOptions(overwrite=True))
        assert tree(dest) == tree(new)
    else:
        prepare_data(checkout, dest, PrepareOptions(classes=8, overwrite=True))
        assert tree(dest) == tree(old)
    names = {"FERPlus", "FER-2013", "expected-new", "expected-old"}
    assert {path.name for path in dest.parent.iterdir()} == names


FAILURES = {
    "disk full": (OSError(errno.ENOSPC, "No space left on device"), DataError),
    "not permitted": (PermissionError(errno.EACCES, "Permission denied", "x.png"), DataError),
    "Ctrl-C": (KeyboardInterrupt(), KeyboardInterrupt),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("stage", ["check_readable", "manifest_csv", "write_json"])
def test_a_failure_leaves_everything_as_it_was(
    checkout: Path,
    dest: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: str,
    existing: bool,
    stage: str,
) -> None:
    if existing:
        prepare_data(checkout, dest, PrepareOptions(classes=8))
    before = tree(dest.parent)
    raised, expected = FAILURES[failure]

    def fail(*_: object) -> None:
        raise raised

    with monkeypatch.context() as patch:
        patch.setattr(image_writing if stage == "check_readable" else prepare, stage, fail)
        with pytest.raises(expected) as caught:
            prepare_data(checkout, dest, PrepareOptions(overwrite=True))
    if expected is DataError:
        assert str(dest) in str(caught.value)
        assert str(raised.args[1]) in str(caught.value)
    assert tree(dest.parent) == before
    assert dest.exists() == existing


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, OSError])
def test_an_interrupt_between_the_moves_restores_the_old_tree(
    checkout: Path, dest: Path, monkeypatch: pytest.MonkeyPatch, interrupt: type[BaseException]
) -> None:
    prepare_data(checkout, dest, PrepareOptions(classes=8))
    before = tree(dest.parent)
    replace = Path.replace

    def stopping(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise interrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", stopping)
    with pytest.raises((KeyboardInterrupt, DataError)):
        prepare_data(checkout, dest, PrepareOptions(overwrite=True))
    assert tree(dest.parent) == before


def test_two_runs_at_once_do_not_mix(checkout: Path, dest: Path) -> None:
    with replacing(dest) as folder:
        (folder / "half").write_text("done")
        with pytest.raises(
            DataError, match="another emorec prepare-data is writing there"
        ) as caught:
            prepare_data(checkout, dest)
        assert f"{dest}: " in str(caught.value)
        assert f"(process {os.getpid()} on {socket.gethostname()}, since " in str(caught.value)
    assert tree(dest) == {"half": b"done"}


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="permissions do not bind this user"
)
def test_a_folder_without_permission_is_a_clear_error(checkout: Path, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(DataError, match="Permission denied"):
        prepare_data(checkout, locked / "FER-2013")


def test_a_file_in_the_way_is_a_clear_error(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match=r"cannot prepare .*file"):
        prepare_data(checkout, tmp_path / "file" / "FER-2013")
    (tmp_path / ".FER-2013.emorec-partial").write_text("mine")
    with pytest.raises(DataError, match=r"cannot prepare .*emorec-partial"):
        prepare_data(checkout, tmp_path / "FER-2013")
    assert (tmp_path / ".FER-2013.emorec-partial").read_text() == "mine"
