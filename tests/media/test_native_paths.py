import os
import sys
import tempfile
from pathlib import Path

import pytest

from emorec.errors import DataError
from emorec.media.native_paths import native_path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="file names are UTF-16 there")


@pytest.mark.parametrize("name", [b"a.mp4", b"a b.mp4", "\u00e9\U0001f600.mp4".encode()])
def test_valid_names_stay(tmp_path: Path, name: bytes):
    with native_path(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))) as native:
        assert native.encode("utf-8") == os.fsencode(tmp_path) + b"/" + name


@pytest.mark.parametrize("name", [b"latin\xe9.mp4", b"\xff\xfe", b"folder\xe9/a.mp4"])
def test_other_names_are_linked(tmp_path: Path, name: bytes):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.parent.mkdir(exist_ok=True)
    with native_path(path) as native:
        assert native.isascii()
        assert Path(native).suffix == path.suffix
        Path(native).write_bytes(b"content")
    assert path.read_bytes() == b"content"
    assert not os.path.lexists(native)


def test_errors_of_the_block_stay(tmp_path: Path):
    path = tmp_path / os.fsdecode(b"\xe9.mp4")
    with pytest.raises(OSError, match="disk full"), native_path(path):
        raise OSError("disk full")


def test_a_system_without_links(tmp_path: Path, monkeypatch):
    def refused(self, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refused)
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9.mp4"))
    message = "cannot use this name, and a link to it cannot be made .*; rename the file"
    with pytest.raises(DataError, match=message), native_path(path):
        pass


def test_a_temporary_folder_of_such_a_name(tmp_path: Path, monkeypatch):
    folder = tmp_path / os.fsdecode(b"\xe9")
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with pytest.raises(DataError, match="has such a name too"), native_path(folder / "a.mp4"):
        pass
    assert list(folder.iterdir()) == []
