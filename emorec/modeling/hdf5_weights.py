"""Check of an HDF5 file of weights before Keras reads it."""

from pathlib import Path

import h5py

from emorec.errors import ModelError

MAX_OBJECTS = 20_000
"""Most groups and data sets; DenseNet121 has 3000."""

MAX_DEPTH = 20


def count_values(file: Path, source: Path) -> int:
    """Count the weights that a file holds.

    A data set must take as much room in the file as it has values: compression and missing blocks
    let a small file ask for much memory. Links to other files are refused too.

    Args:
        file: The HDF5 file.
        source: The model file, for messages.

    Returns:
        The number of values of all data sets.

    Raises:
        ModelError: The file is damaged, or holds something else than plain numbers.
    """
    try:
        with h5py.File(file, "r") as root:
            return _count(root, file.stat().st_size)
    # For a damaged file h5py raises exceptions of many types.
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{source}: its weights cannot be read: {reason:.200}") from error


def _count(root: h5py.File, room: int) -> int:
    values = 0
    pending = [(root, 0)]
    seen = {h5py.h5o.get_info(root.id).addr}
    while pending:
        group, depth = pending.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"{name!r:.80} is a link")
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen or len(seen) == MAX_OBJECTS or depth == MAX_DEPTH:
                raise ValueError(f"{name!r:.80} is linked twice, or nested too deeply")
            seen.add(address)
            if isinstance(item, h5py.Group):
                pending.append((item, depth + 1))
                continue
            values += item.size
            room -= item.size * item.dtype.itemsize
            plain = item.dtype.kind in "biuf" and not item.is_virtual and not item.external
            if not plain or item.id.get_create_plist().get_nfilters():
                raise ValueError(f"{name!r:.80} is compressed, or does not hold plain numbers")
            if room < 0:
                raise ValueError("its data sets are larger than the file")
    return values
