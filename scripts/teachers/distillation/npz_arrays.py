"""Reads arrays of numbers and text from .npz files, within limits and without pickle."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from emorec.errors import DataError

MAX_BYTES = 2**30
"""Largest size in bytes of all arrays together; the packed data set has 75 MB."""

_KINDS = "biufU"
"""Booleans, numbers and text."""


def read_arrays(
    path: Path, names: Sequence[str] | None = None, max_bytes: int = MAX_BYTES
) -> dict[str, npt.NDArray[Any]]:
    """Read arrays from a .npz file.

    Args:
        path: The file.
        names: Names of the arrays to read; None reads all.
        max_bytes: Largest size of the arrays together, checked before any is allocated.

    Raises:
        DataError: The file cannot be read or is damaged, an array is missing or holds objects, or
            the arrays are too large.
    """
    found = {}
    left = max_bytes
    try:
        with zipfile.ZipFile(path) as archive:
            for name in _members(archive) if names is None else names:
                with archive.open(f"{name}.npy") as member:
                    found[name] = _read_array(member, left)
                left -= found[name].nbytes
    except OSError as error:
        raise DataError(f"{path}: cannot read: {error.strerror or error}") from error
    except KeyError as error:
        raise DataError(f"{path}: {error.args[0]}") from error
    # A damaged archive; encryption and unknown compression raise the last two.
    except (
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise DataError(f"{path}: not a readable .npz file: {error}") from error
    return found


def _members(archive: zipfile.ZipFile) -> list[str]:
    return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


def _read_array(member: IO[bytes], max_bytes: int) -> npt.NDArray[Any]:
    """Read one array in NumPy's format.

    Raises:
        ValueError: It is damaged, holds objects or has more than `max_bytes` bytes.
    """
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(member)
    elif version == (2, 0):
        shape, fortran_order, dtype = np.lib.format.read_array_header_2_0(member)
    else:
        raise ValueError(f"unknown version {version} of NumPy's format")
    if dtype.kind not in _KINDS:
        raise ValueError(f"an array of type {dtype} is neither numbers nor text")
    count = 1
    for length in shape:
        count *= length
    if not 0 <= count * dtype.itemsize <= max_bytes:
        raise ValueError(f"an array of shape {shape} takes more than {max_bytes} bytes")
    data = member.read(count * dtype.itemsize)
    if len(data) < count * dtype.itemsize:
        raise ValueError("an array ends early")
    array: npt.NDArray[Any] = np.frombuffer(data, dtype, count)
    return array.reshape(shape, order="F" if fortran_order else "C")
