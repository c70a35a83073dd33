from pathlib import Path

import pytest

from emorec.atomic_files import write_bytes, write_json, written_whole
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
