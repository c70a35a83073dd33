import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from distillation.npz_arrays import read_arrays

from emorec.errors import DataError


def test_arrays_are_read_as_they_were_written(tmp_path: Path) -> None:
    arrays = {
        "empty": np.zeros((0, 3), np.float32),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "layer/kernel": np.arange(4, dtype=np.float16),
        "names": np.array(["a.png", "bc.png"]),
        "scalar": np.array(7),
    }
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    found = read_arrays(tmp_path / "a.npz")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)
    assert list(read_arrays(tmp_path / "a.npz", ["names"])) == ["names"]


def member(shape: str, dtype: str = "<f4", data: bytes = b"") -> bytes:
    """A file in NumPy's format whose header claims a shape."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data


def pickled() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}], object), allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "reading magic string, expected 8 bytes got 0"),
        (pickled(), "an array of type object is neither numbers nor text"),
        (member("(2,)"), "an array ends early"),
        (member("(10**9,)"), "malformed node"),
        (member("(1000000000000,)"), r"shape \(1000000000000,\) takes more than"),
        (member("(-1,)", data=b"1234"), r"shape \(-1,\) takes more than"),
        (member("(1,)", "O"), "neither numbers nor text"),
        (b"\x93NUMPY\x09\x00", r"unknown version \(9, 0\)"),
    ],
)
def test_a_damaged_array_is_an_error(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(DataError, match=message):
        read_arrays(path)


def test_a_file_that_is_no_archive_or_lacks_an_array(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(DataError, match=r"a\.npz: cannot read: No such file"):
        read_arrays(path)
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"a\.npz: not a readable \.npz file"):
        read_arrays(path)
    np.savez(path, x=np.zeros(100))
    with pytest.raises(DataError, match=r"no item named 'y\.npy'"):
        read_arrays(path, ["y"])
    with pytest.raises(DataError, match=r"shape \(100,\) takes more than 700 bytes"):
        read_arrays(path, max_bytes=700)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(DataError, match=r"not a readable \.npz file"):
        read_arrays(path)
