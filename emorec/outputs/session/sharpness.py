"""Measures how sharp the image of a face is."""

import cv2
import numpy as np

from emorec.frames import Frame
from emorec.images import to_gray
from emorec.preprocessing import crop_face
from emorec.types import FaceEmotion

_SIDE = 64
"""Pixels of a face's side when it is measured, so that near and far faces are comparable."""


def face_sharpness(frame: Frame, face: FaceEmotion) -> float:
    """Compute the variance of the Laplacian of a face.

    It is a relative measure: contrast, noise and compression of the recording change it too
    (Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000; "LAPV" in Pertuz
    et al., Analysis of focus measure operators for shape-from-focus, 2013).

    Args:
        frame: The pixels.
        face: The face, its box in pixels of the full frame.

    Returns:
        The variance in squared grey levels, 0 or more.
    """
    crop = to_gray(crop_face(frame.image_bgr, frame.to_scaled_box(face.box), 0.0))
    shrinks = max(crop.shape[:2]) > _SIDE
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    small = cv2.resize(crop, (_SIDE, _SIDE), interpolation=method)
    return float(np.var(cv2.Laplacian(small, cv2.CV_32F)))
