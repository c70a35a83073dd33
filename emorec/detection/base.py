"""What every face detector offers."""

from typing import Protocol

from emorec.images import Image
from emorec.types import Face


class FaceDetector(Protocol):
    """Finds the faces of one picture.

    Boxes frame a face as OpenCV's frontal Haar cascades do: a square from above the eyebrows to
    below the lower lip. A model's crop margin is counted from there.
    """

    def detect(self, image_bgr: Image) -> list[Face]:
        """Find the faces; several threads may call it.

        Args:
            image_bgr: Picture, shape (height, width, 3), uint8, blue, green, red.

        Returns:
            The faces from left to right, then from top to bottom; the same picture gives the same
            list.
        """
        ...
