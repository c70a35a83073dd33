"""Sums heat over the parts of a face: eyes, nose, mouth and the rest."""

import math

import numpy as np
import numpy.typing as npt

from emorec.types import Landmarks

PARTS = ("eyes", "nose", "mouth", "elsewhere")

REACH = 0.2
"""Radius around the landmarks as a fraction of the width of the face; brows belong to the eyes."""


def part_shares(
    heat: npt.NDArray[np.float32],
    to_image: npt.NDArray[np.float64],
    landmarks: Landmarks,
    face_width: float,
) -> dict[str, float] | None:
    """Compute the share of each part of a face in the positive heat.

    A pixel belongs to the nearest of the eyes, the tip of the nose and the line between the corners
    of the mouth, within `REACH`; otherwise it is elsewhere.

    Args:
        heat: Shape (size, size).
        to_image: Affine matrix, shape (2, 3), from points of `heat` to points of the image.
        landmarks: Points of the face, in pixels of the image.
        face_width: Width of the face's box, in pixels of the image.

    Returns:
        The shares by name, as in `PARTS`; they sum to 1. None if no heat is positive.
    """
    positive = np.maximum(heat, 0).astype(np.float64)
    total = positive.sum()
    if not (total > 0 and math.isfinite(total)):
        return None
    rows, columns = np.mgrid[: heat.shape[0], : heat.shape[1]] + 0.5
    points = np.stack([columns, rows], axis=-1) @ to_image[:, :2].T + to_image[:, 2]
    eyes = (_distances(points, eye, eye) for eye in (landmarks.right_eye, landmarks.left_eye))
    distances = np.stack(
        [
            np.minimum(*eyes),
            _distances(points, landmarks.nose, landmarks.nose),
            _distances(points, landmarks.right_mouth, landmarks.left_mouth),
            np.full(heat.shape, REACH * face_width),
        ]
    )
    nearest = distances.argmin(axis=0)
    return {name: float(positive[nearest == part].sum() / total) for part, name in enumerate(PARTS)}


def _distances(
    points: npt.NDArray[np.float64], start: tuple[float, float], end: tuple[float, float]
) -> npt.NDArray[np.float64]:
    """Compute the distances of points, shape (..., 2), from a line between two points."""
    first, along = np.asarray(start), np.subtract(end, start)
    length = max(float(along @ along), 1e-12)
    place = np.clip((points - first) @ along / length, 0, 1)
    offsets = points - first - place[..., None] * along
    return np.asarray(np.hypot(offsets[..., 0], offsets[..., 1]))
