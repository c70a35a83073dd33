"""Temporary files are removed at the end, and after a crash at the next start."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emorec.app import scratch_folder as module
from emorec.app.scratch_folder import PREFIX, remove_leftovers, scratch_folder


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_is_private_and_removed(temporary: Path):
    with scratch_folder() as folder:
        assert folder.parent == temporary
        assert folder.name.startswith(f"{PREFIX}{os.getpid()}-")
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "photo").write_bytes(b"secret")
    assert list(temporary.iterdir()) == []


def test_it_is_removed_after_an_error(temporary: Path):
    with pytest.raises(KeyboardInterrupt), scratch_folder():
        raise KeyboardInterrupt
    assert list(temporary.iterdir()) == []


CRASH = """
import os, tempfile, sys
tempfile.tempdir = sys.argv[1]
from emorec.app.scratch_folder import scratch_folder
with scratch_folder() as folder:
    (folder / "photo").write_bytes(b"secret")
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_app_left_is_removed_at_the_next_start(temporary: Path):
    done = subprocess.run([sys.executable, "-c", CRASH, str(temporary)], check=False)
    assert done.returncode == -9
    (left,) = temporary.iterdir()
    assert (left / "photo").exists()
    with scratch_folder() as folder:
        assert list(temporary.iterdir()) == [folder]


def test_folders_in_use_and_of_others_stay(temporary: Path):
    other = temporary / "photos"
    other.mkdir()
    new = temporary / f"{PREFIX}1-new"
    new.mkdir()
    old = temporary / f"{PREFIX}1-old"
    old.mkdir()
    os.utime(old, (time.time() - 1000,) * 2)
    target = temporary / "target"
    target.mkdir()
    (temporary / f"{PREFIX}1-link").symlink_to(target)
    with scratch_folder() as running:
        remove_leftovers(temporary)
        assert running.is_dir()
    assert other.is_dir()
    assert target.is_dir()
    assert new.is_dir()
    assert not old.exists()


def test_a_system_that_removes_no_open_file(temporary: Path, monkeypatch: pytest.MonkeyPatch):
    """On Windows the lock stays until it is released."""
    left = temporary / f"{PREFIX}1-old"
    left.mkdir()
    os.utime(left, (time.time() - 1000,) * 2)
    monkeypatch.setattr(module.shutil, "rmtree", lambda folder, ignore_errors: None)
    remove_leftovers(temporary)
    assert not left.exists()
