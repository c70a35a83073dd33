"""Reads the rows of data sets that Hugging Face datasets loads: images, labels and splits.

The tables stay in files, which are mapped into memory, and images are decoded by emorec, not by
datasets.
"""

import io
import os
import zlib
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from emorec.datasets.dataset_address import parse_address
from emorec.datasets.grouping import COLUMN
from emorec.datasets.readers.hf_tables import left_out, load
from emorec.datasets.readers.image_files import FileImage, RawImage, check_size
from emorec.datasets.readers.rows import SPLITS, TRAIN, RawRows, ReadOptions
from emorec.datasets.readers.shared import draw_missing_splits, own_labels
from emorec.datasets.readers.split_folders import split_of
from emorec.datasets.readers.table import MAX_ROWS
from emorec.datasets.readers.tree import Tree, read_tree
from emorec.errors import ConfigError, DataError
from emorec.file_kinds import HEAD_BYTES, image_format, is_readable_image_name

if TYPE_CHECKING:
    from datasets import Dataset

SOURCE = "hf"

_IMAGE_NAMES = ("image", "img", "face", "photo")

_LABEL_NAMES = ("label", "labels", "emotion", "emotions", "expression", "class")
"""Names of columns, the preferred one first; for labels, those that may hold text."""


class _TableImage(NamedTuple):
    """An image in a cell of a table.

    Attributes:
        location: Data set, split and row, for messages.
        column: Column of the table, with the fields bytes and path, or of bytes.
        row: Number of the row.
        size: Size in bytes.
        stamp: Number that changes with the files of the table.
    """

    location: str
    column: Any
    row: int
    size: int
    stamp: int

    @property
    def path(self) -> str | None:
        """None, because there is no file to link to."""
        return None

    def open(self) -> BinaryIO:
        """Open the image for reading, as bytes."""
        return io.BytesIO(self.read())

    def read(self) -> bytes:
        """Return the encoded image."""
        check_size(self.location, self.size)
        value = self.column[self.row].as_py()
        data: bytes = value["bytes"] if isinstance(value, dict) else value
        return data


def read(place: Path, options: ReadOptions) -> RawRows:
    """Read the images and labels of a data set.

    The labels are those of the column of class labels, or of a column of text that is named label,
    emotion or the like. The splits are recognised by their names; those that are missing are drawn
    from train.

    Args:
        place: hf:FOLDER or hf:OWNER/NAME[@REV].
        options: Options of reading.

    Raises:
        ConfigError: A layout is forced.
        DataError: There is no such data set, it cannot be reached or read, is too large, or has no
            column of images or of labels.
        MissingDependencyError: datasets is not installed, or of a version that runs code.
    """
    if options.layout:
        raise ConfigError(f"{place}: has no layout; omit --layout {options.layout}")
    address = parse_address(place)
    tree = None if address.folder is None else read_tree(address.folder)
    loaded = load(place, address, tree)
    parts = [
        _part(place, tree, split, name, loaded[name], options)
        for split, name in _splits(place, loaded)
    ]
    splits = [part.split for part in parts for _ in part.labels]
    labels = [label for part in parts for label in part.labels]
    names = [name for part in parts for name in part.names]
    if len(names) > MAX_ROWS:
        raise DataError(f"{place}: over {MAX_ROWS:,} rows")
    spelt = Tree(place, {})
    labels = own_labels(spelt, labels, options)
    usages, drawn = draw_missing_splits(splits, labels, options)
    outside = sum(part.outside for part in parts)
    note = f"images that are given by a path out of the data set are not used: {outside:,}"
    return RawRows(
        place=place,
        label_files=[],
        sources=[SOURCE] * len(names),
        lines=[row + 1 for part in parts for row in range(len(part.names))],
        names=names,
        images=[image for part in parts for image in part.images],
        usages=usages,
        labels=labels,
        notes=[note] if outside else [],
        drawn=drawn,
        left_out=left_out(tree) if tree else [],
        columns={
            name: [value for part in parts for value in part.columns[name]]
            for name in parts[0].columns
        },
    )


class _Part(NamedTuple):
    """The rows of one split."""

    split: str
    names: list[str]
    labels: list[str]
    images: list[RawImage | None]
    columns: dict[str, list[str]]
    outside: int


def _splits(place: Path, loaded: "dict[str, Dataset]") -> list[tuple[str, str]]:
    """Return the split and the name of each split of datasets; a single one may have any name.

    Raises:
        DataError: There is none, or a name is unknown.
    """
    found = [(split_of(name), name) for name in loaded]
    if len(found) == 1:
        return [(found[0][0] or TRAIN, found[0][1])]
    if not found or not all(split for split, _ in found):
        raise DataError(
            f"{place}: the splits must be train, validation or test; found "
            f"{', '.join(loaded) or 'none'}"
        )
    return sorted(((split or "", name) for split, name in found), key=lambda s: SPLITS.index(s[0]))


def _part(
    place: Path,
    tree: Tree | None,
    split: str,
    split_name: str,
    dataset: "Dataset",
    options: ReadOptions,
) -> _Part:
    """Read the rows of one split, whose images have paths that begin with its name in datasets.

    Raises:
        DataError: There is no column of images or of labels.
    """
    from datasets import ClassLabel, Value

    features = dict(dataset.features)
    image_name = _image_column(place, features)
    label_name = _label_column(place, features)
    feature = features[label_name]
    values = dataset.data.column(label_name).to_pylist()
    if isinstance(feature, ClassLabel):
        known = dict(enumerate(feature.names))
        labels = [known.get(value, "") for value in values]  # -1 and null are no label
    else:
        labels = [(value or "").strip() for value in values]
    texts = [name for name, each in features.items() if isinstance(each, Value)]
    requested = (options.group_by or "").removeprefix(COLUMN).strip()
    columns = {
        name: [
            "" if value is None else str(value)
            for value in (dataset.data.column(name).to_pylist() if name == requested else ())
        ]
        for name in texts
    }
    images, names, outside = _images(place, tree, split_name, dataset, image_name)
    return _Part(split, names, labels, images, columns, outside)


def _image_column(place: Path, features: dict[str, Any]) -> str:
    from datasets import Image, Value

    found = [
        name
        for name, feature in features.items()
        if isinstance(feature, Image)
        or (isinstance(feature, dict) and {"bytes", "path"} <= feature.keys())
        or (isinstance(feature, Value) and feature.dtype in ("binary", "large_binary"))
    ]
    return _only(place, "images", found, _IMAGE_NAMES, features)


def _label_column(place: Path, features: dict[str, Any]) -> str:
    from datasets import ClassLabel, Value

    found = [name for name, feature in features.items() if isinstance(feature, ClassLabel)]
    if not found:
        texts = ("string", "large_string")
        found = [
            name
            for name in _LABEL_NAMES
            if isinstance(features.get(name), Value) and features[name].dtype in texts
        ][:1]
    return _only(place, "class labels, or of text named label", found, _LABEL_NAMES, features)


def _only(
    place: Path, kind: str, found: Sequence[str], names: Sequence[str], features: dict[str, Any]
) -> str:
    """Return the only column of a kind, or the one that is named as usual.

    Raises:
        DataError: There is none, or several without such a name.
    """
    if len(found) == 1:
        return found[0]
    usual = [name for name in names if name in found]
    if usual:
        return usual[0]
    raise DataError(
        f"{place}: needs one column of {kind}; found {', '.join(found) or 'none'} among "
        f"{', '.join(features):.300}"
    )


def _images(
    place: Path, tree: Tree | None, split: str, dataset: "Dataset", name: str
) -> tuple[list[RawImage | None], list[str], int]:
    """Return the images of a split, their names, and how many are paths out of the data set."""
    import pyarrow
    import pyarrow.compute

    column = dataset.data.column(name)
    stamp = zlib.crc32(repr(dataset.cache_files).encode())
    root = os.path.realpath(tree.place if tree else _cache_folder())
    images: list[RawImage | None] = []
    names, outside = [], 0
    for chunk in column.chunks:
        is_struct = pyarrow.types.is_struct(chunk.type)
        content = pyarrow.compute.struct_field(chunk, "bytes") if is_struct else chunk
        paths = pyarrow.compute.struct_field(chunk, "path").to_pylist() if is_struct else []
        sizes = pyarrow.compute.binary_length(content).to_pylist()
        heads = pyarrow.compute.binary_slice(content, 0, HEAD_BYTES).to_pylist()
        for size, head, path in zip_longest(sizes, heads, paths):
            row = len(images)
            location = f"{place}: {split}, row {row + 1}"
            image: RawImage | None = None
            if size is not None:
                image = _TableImage(location, column, row, size, stamp)
            elif path:
                image = _file_in(root, path)
                outside += image is None
            images.append(image)
            names.append(f"{split}/{row:06}{_suffix(head, path)}")
    return images, names, outside


def _file_in(root: str, path: str) -> RawImage | None:
    """Return an image by its path if it is a file in a folder, links followed; else None."""
    file = os.path.realpath(os.path.join(root, path))  # noqa: PTH118
    if not file.startswith(root.rstrip(os.sep) + os.sep) or not Path(file).is_file():
        return None
    status = Path(file).stat()
    return FileImage(file, status.st_size, status.st_mtime_ns)


def _cache_folder() -> Path:
    """Return the folder in which Hugging Face keeps downloads."""
    from huggingface_hub import constants

    return Path(constants.HF_HOME)


def _suffix(head: bytes | None, path: str | None) -> str:
    """Return the suffix of an image by its first bytes, or else by its path; .png if unknown."""
    kind = image_format(head) if head else None
    if kind:
        return {"jpeg": ".jpg", "tiff": ".tif", "heif": ".heic"}.get(kind, f".{kind}")
    suffix = Path(path or "").suffix.lower()
    return suffix if is_readable_image_name(f"x{suffix}") else ".png"
