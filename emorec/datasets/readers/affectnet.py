"""Reads AffectNet as folders of images and of annotations in NumPy files, with its splits.

The layout is that of the release of AffectNet (Mollahosseini, Hasani and Mahoor 2017, "AffectNet: A
Database for Facial Expression, Valence, and Arousal Computing in the Wild") with
train_set/images/ID.jpg and train_set/annotations/ID_exp.npy.
"""

import functools
import io
import re
from typing import Any

import numpy as np

from emorec.datasets.readers.image_files import RawImage
from emorec.datasets.readers.rows import NO_EMOTIONS, RawRows, ReadOptions
from emorec.datasets.readers.shared import draw_missing_splits, rows_of_files
from emorec.datasets.readers.split_folders import split_of
from emorec.datasets.readers.tree import Tree
from emorec.errors import DataError

SOURCE = "affectnet"

LABELS = (
    *("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt"),
    *NO_EMOTIONS,
)
"""Labels of the numbers 0 to 10."""

_ANNOTATION = re.compile(r"([^/]+)/annotations/([^/]+)_(exp|val|aro|lnd)\.npy")
"""Split folder, name of the image, and what is annotated."""

_IMAGE = re.compile(r"([^/]+)/images/([^/]+)\.\w+")

_MAX_BYTES = 4096
"""Largest size of an annotation that is read; it holds one number."""


def matches(tree: Tree) -> bool:
    """Return whether a tree has SPLIT/annotations/ID_exp.npy."""
    return any(
        path.endswith("_exp.npy") and (match := _ANNOTATION.fullmatch(path)) and _split(match[1])
        for path in tree.files
    )


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read the images of each split folder with the expressions of their annotations.

    Images that show no face, no expression or an uncertain one have a label of `NO_EMOTIONS`;
    images without an annotation have none. A split that is missing is drawn from train.

    Raises:
        DataError: There is no such annotation, or one of them is broken or unknown.
    """
    files: dict[tuple[str, str], RawImage] = {}
    label_files = []
    for path, file in tree.files.items():
        match = _ANNOTATION.fullmatch(path)
        if match and _split(match[1]):
            label_files.append(file)
            if match[3] == "exp":
                files[match[1], match[2]] = file
    if not files:
        raise DataError(f"{tree.place}: no train_set/annotations/ID_exp.npy of AffectNet was found")
    images = {
        (match[1], match[2]): path
        for path in sorted(tree.images())
        if (match := _IMAGE.fullmatch(path)) and _split(match[1])
    }
    keys = sorted(images.keys() | files.keys())
    labels = [_label(files[key]) if key in files else "" for key in keys]
    splits = [_split(folder) or "" for folder, _ in keys]
    usages, drawn = draw_missing_splits(splits, labels, options)
    return rows_of_files(
        tree,
        SOURCE,
        [images.get(key, f"{key[0]}/images/{key[1]}.jpg") for key in keys],
        usages=usages,
        labels=labels,
        drawn=drawn,
        label_files=label_files,
    )


def _split(folder: str) -> str | None:
    """Return the split of a folder such as train_set or val."""
    return split_of(folder.lower().removesuffix("_set"))


def _label(file: RawImage) -> str:
    """Return the label of an annotation.

    Raises:
        DataError: It is too large, no single number in the format of NumPy, or an unknown number.
    """
    if file.size > _MAX_BYTES:
        raise DataError(
            f"{file.location}: {file.size:,} bytes; an annotation has at most {_MAX_BYTES:,}"
        )
    data = file.read()
    number = _number(data)
    if number is None or number not in range(len(LABELS)):
        received = "other content" if number is None else repr(number)
        raise DataError(
            f"{file.location}: an annotation of an expression holds one number from 0 to "
            f"{len(LABELS) - 1}; received {received:.60}"
        )
    return LABELS[int(number)]


def _number(data: bytes) -> float | None:
    """Return the only number of a NumPy file, which may be text; None for other content.

    The file is not loaded: an object is never unpickled, and no array is allocated.
    """
    end = 10 + int.from_bytes(data[8:10], "little")
    kind = _dtype(data[:end])
    if kind is None or len(data) != end + kind.itemsize:
        return None
    try:
        return float(np.frombuffer(data[end:], kind)[0])
    except (ValueError, OverflowError):
        return None


@functools.lru_cache(maxsize=256)
def _dtype(header: bytes) -> "np.dtype[Any] | None":
    """Return the type of the only value of a NumPy file by its header; None for other files."""
    stream = io.BytesIO(header)
    try:
        if np.lib.format.read_magic(stream) != (1, 0):
            return None
        shape, _, kind = np.lib.format.read_array_header_1_0(stream)
    except (ValueError, TypeError, SyntaxError, EOFError, RecursionError, MemoryError):
        return None
    is_one = all(length == 1 for length in shape)
    return kind if is_one and kind.kind in "iufUS" and kind.itemsize else None
