"""Tells face crops from whole photos, by the size of an image and the faces detected in it."""

import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emorec.datasets.manifest import PreparedDataset
from emorec.detection.registry import make_detector
from emorec.errors import DataError
from emorec.headers import read_header
from emorec.images import read_bytes
from emorec.media.reading import decode_still
from emorec.shell_words import quoted
from emorec.threads import default_threads, run_in_threads
from emorec.types import Face

Size = tuple[int, int]
"""Width and height of an image in pixels."""

SMALL_SIDE = 100
"""Images whose longer side has at most this many pixels are face crops; they are not searched."""

# docs/datasets.md has the measurements of these three.
_MIN_SHARE = 0.16
"""Share of the image that the box of the only large face of a face crop fills, at least."""

_MAX_ASPECT = 1.5
"""Longest ratio of the sides of a face crop."""

_SIMILAR = 0.5
"""A second face of at least this share of the width of the largest makes an image a photo."""

_NEIGHBOUR_SIZE = 1.25
"""Largest ratio of the sides of images that are compared as neighbours."""

_SAMPLE = 40
_BATCH = 4


def is_small(size_wh: Size) -> bool:
    """Return whether an image is so small that it is taken as a face crop without a search."""
    return max(size_wh) <= SMALL_SIDE


def largest_face(faces: Sequence[Face]) -> Face:
    """Return the face with the largest box; of equal ones the first."""
    return max(faces, key=lambda face: face.box.width * face.box.height)


def face_share(size_wh: Size, faces: Sequence[Face]) -> float:
    """Return the share of an image that the box of its largest face fills, 0 to 1."""
    box = largest_face(faces).box
    return min(box.width * box.height / (size_wh[0] * size_wh[1]), 1.0)


def is_face_crop(size_wh: Size, faces: Sequence[Face]) -> bool:
    """Return whether an image is a face crop: one face fills most of it.

    Args:
        size_wh: Size of the full image.
        faces: The faces detected in it, at least one.
    """
    largest = largest_face(faces)
    others = [face for face in faces if face.box.width >= _SIMILAR * largest.box.width]
    return (
        len(others) == 1
        and _is_square(size_wh, _MAX_ASPECT)
        and face_share(size_wh, faces) >= _MIN_SHARE
    )


def resemble_crops(
    sizes: Sequence[Size], crops: Sequence[Size], photos: Sequence[Size]
) -> list[bool]:
    """Tell which images without a detected face are face crops, by images of about their size.

    Such an image is a face crop if it is nearly square, and most nearly square images of about its
    size are face crops.

    Args:
        sizes: Sizes of the images without a detected face.
        crops: Sizes of the images that are face crops by `is_face_crop`.
        photos: Sizes of the images in which a face was detected and that are no face crops.
    """
    known = [
        np.sort([max(size) for size in found if _is_square(size, _NEIGHBOUR_SIZE)])
        for found in (crops, photos)
    ]

    def count(sides: npt.NDArray[np.int64], side: int) -> int:
        ends = np.searchsorted(sides, [side / _NEIGHBOUR_SIZE, side * _NEIGHBOUR_SIZE])
        return int(ends[1] - ends[0])

    return [
        _is_square(size, _NEIGHBOUR_SIZE)
        and count(known[0], max(size)) > count(known[1], max(size))
        for size in sizes
    ]


def _is_square(size_wh: Size, tolerance: float) -> bool:
    return max(size_wh) <= tolerance * min(size_wh)


def whole_photos_note(dataset: PreparedDataset) -> str | None:
    """Say that most images of a data set look like whole photos, if they do, and what to run.

    A few images are examined, spread over the data set; small ones are only read. A data set whose
    faces prepare-data has cut out, or was requested not to, is not examined.
    """
    if dataset.faces is not None:
        return None
    count = min(_SAMPLE, len(dataset.paths))
    chosen = np.linspace(0, len(dataset.paths) - 1, count).round().astype(np.intp)
    files = [dataset.root / path for path in dataset.paths[chosen]]
    large = [file for file in files if not _is_small_file(file)]
    if 2 * len(large) <= count:
        return None
    detector = make_detector()
    shares: dict[int, float] = {}

    def examine(index: int) -> None:
        try:
            frame = decode_still(large[index], read_bytes(large[index]).tobytes())
        except DataError:
            return  # whoever reads the data set reports it
        faces = [frame.to_full_face(face) for face in detector.detect(frame.image_bgr)]
        if faces and not is_face_crop(frame.size_wh, faces):
            shares[index] = face_share(frame.size_wh, faces)

    run_in_threads(examine, len(large), threads=default_threads(), batch=_BATCH)
    if 2 * len(shares) <= count:
        return None
    root = str(dataset.root)
    command = f"emorec prepare-data {quoted(root)} --out {quoted(f'{root}-faces')}"
    return (
        f"{len(shares)} of {count} images look like whole photos: median face "
        f"{share_text(statistics.median(shares.values()))} of the image; networks are trained on "
        f"face crops, which this command cuts out: {command}"
    )


def share_text(share: float) -> str:
    """Return a share of an image as text, such as "8 %"."""
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def _is_small_file(file: Path) -> bool:
    try:
        header = read_header(read_bytes(file).data)
    except DataError:
        return True
    return header is not None and is_small(header.size_wh)
