"""What the manifest says about the face of each image, where faces were cut out of images."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from emorec.datasets.prepared_files import FACE, FACE_COLUMNS
from emorec.types import Face

CUT, WHOLE, MISSING, SEVERAL = "cut", "whole", "none", "several"

STATES = (CUT, WHOLE, MISSING, SEVERAL)
"""Values of the column `FACE`: the crop of a face, an image that was a face crop, and images that
show no face or several, which are kept apart without a label."""

REASONS = {MISSING: "no face", SEVERAL: "several faces"}
"""Why an image is kept apart, by its state."""

_CELLS = FACE_COLUMNS[FACE_COLUMNS.index(FACE) + 1 :]


class FaceRow(NamedTuple):
    """The cells of `FACE_COLUMNS` of one image, as text.

    Attributes:
        state: One of `STATES`.
        source_image: Path, within its data set, of the image that shows the face.
        source_label: Label of an image that is kept apart; "" for others.
        cells: Box (x, y, width, height in pixels of the full, upright image), detector, its score
            and the landmarks of a face that was cut out.
    """

    state: str
    source_image: str
    source_label: str = ""
    cells: tuple[str, ...] = ("",) * len(_CELLS)

    @property
    def is_apart(self) -> bool:
        """Whether the image is kept apart."""
        return self.state in REASONS

    @property
    def values(self) -> tuple[str, ...]:
        """The cells, in the order of `FACE_COLUMNS`."""
        return (self.source_image, self.source_label, self.state, *self.cells)


NO_VALUES = ("",) * len(FACE_COLUMNS)
"""Cells of an image of which nothing is known."""


def cut_row(source_image: str, face: Face) -> FaceRow:
    """Describe a face that was cut out of an image."""
    box, landmarks = face.box, [""] * 10
    if face.landmarks is not None:
        landmarks = [f"{value:.2f}" for point in face.landmarks.points.values() for value in point]
    numbers = map(str, (box.x, box.y, box.width, box.height))
    cells = (*numbers, face.detector, f"{face.score:.6g}", *landmarks)
    return FaceRow(CUT, source_image, cells=cells)


def face_rows(columns: Mapping[str, Sequence[str]]) -> list[FaceRow | None] | None:
    """Read the rows from the columns of a manifest.

    Args:
        columns: Values by the name of the column; those of `FACE` are of `STATES` or "".

    Returns:
        A row for each image, None where nothing is known; None without the column `FACE`.
    """
    if FACE not in columns:
        return None
    empty = [""] * len(columns[FACE])
    values = zip(*(columns.get(name, empty) for name in FACE_COLUMNS), strict=True)
    return [
        FaceRow(state, source_image, label, tuple(cells)) if state else None
        for source_image, label, state, *cells in values
    ]


def images_apart(columns: Mapping[str, Sequence[str]]) -> npt.NDArray[np.bool_] | None:
    """Return which images of a manifest are kept apart, shape (n,); None without column `FACE`."""
    if FACE not in columns:
        return None
    return np.array([state in REASONS for state in columns[FACE]], np.bool_)
