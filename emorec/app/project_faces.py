"""A face of a label project, and the image that shows it with its surroundings."""

from dataclasses import dataclass
from typing import Any, cast

import cv2

from emorec.frames import Frame
from emorec.images import Image
from emorec.preprocessing import crop_region
from emorec.types import Box, Landmarks, Prediction

_SURROUNDINGS = 0.8
"""What is shown around a face on each side, as a share of its box."""

_LONGEST_SIDE = 640
"""Larger images of faces are downscaled to this side, in pixels."""

_DECIMALS = 4

View = tuple[float, float, float, float]
"""Left, top, width and height of a box in an image, as shares of its width and height."""


@dataclass
class ProjectFace:
    """A face of a project.

    Attributes:
        number: Its position among the faces of the project, from 0.
        path: The image, as the list of labels names it.
        box: The face, in pixels of the upright image.
        prediction: What the model says.
        view: Where the box is in the image that shows the face.
        labels: Its labels.
        skipped: It is no face, or not to be used.
        landmarks: Points of the face, in pixels of the upright image, if the detector has them.
    """

    number: int
    path: str
    box: Box
    prediction: Prediction
    view: View
    labels: tuple[str, ...] = ()
    skipped: bool = False
    landmarks: Landmarks | None = None

    def describe(self) -> dict[str, Any]:
        """Return the face for clients."""
        shares = self.prediction.probabilities.items()
        return {
            "number": self.number,
            "path": self.path,
            "box": [self.box.x, self.box.y, self.box.width, self.box.height],
            "view": [round(share, _DECIMALS) for share in self.view],
            "emotion": self.prediction.emotion,
            "confidence": round(self.prediction.confidence, _DECIMALS),
            "probabilities": {name: round(share, _DECIMALS) for name, share in shares},
            "labels": list(self.labels),
            "skipped": self.skipped,
        }


def cut_with_surroundings(frame: Frame, box: Box) -> tuple[Image, View]:
    """Cut a face with its surroundings out of a frame.

    Args:
        frame: The frame.
        box: The face, in pixels of the full image; it may cross the border.

    Returns:
        The image, uint8, BGR, at most 640 pixels wide and high; and where the box is in it.
    """
    height, width = frame.image_bgr.shape[:2]
    inner = frame.to_scaled_box(box)
    outer = crop_region((width, height), inner, _SURROUNDINGS)
    left, top = max(outer.left, 0), max(outer.top, 0)
    right = max(min(outer.left + outer.width, width), left + 1)
    bottom = max(min(outer.top + outer.height, height), top + 1)
    image = frame.image_bgr[top:bottom, left:right]
    wide, tall = right - left, bottom - top
    if (longest := max(wide, tall)) > _LONGEST_SIDE:
        scale = _LONGEST_SIDE / longest
        size_wh = (max(round(wide * scale), 1), max(round(tall * scale), 1))
        image = cast(Image, cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA))
    view = (
        (inner.x - left) / wide,
        (inner.y - top) / tall,
        inner.width / wide,
        inner.height / tall,
    )
    return image, view
