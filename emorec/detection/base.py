"""Interface of all face detectors."""

from typing import Protocol

from emorec.images import Image
from emorec.types import Face


class FaceDetector(Protocol):
    """Detector of the faces in an image.

    Boxes frame a face as OpenCV's frontal Haar cascades do: a square from above the eyebrows to
    below the lower lip. A model's crop margin is relative to this square. Boxes and landmarks, if
    the detector returns any, are in pixels of the image.
    """

    def detect(self, image_bgr: Image) -> list[Face]:
        """Detect the faces of an image; several threads may call it at the same time.

        Args:
            image_bgr: Image, shape (height, width, 3), uint8, 0..255, BGR; not changed.

        Returns:
            The faces sorted from left to right, then from top to bottom. The same image always
            returns the same list.
        """
        ...
