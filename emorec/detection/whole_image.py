"""Takes the whole picture for one face, for pictures that are face crops already."""

from emorec.images import Image
from emorec.types import Box, Face


class WholeImage:
    """Face "detector" that looks for nothing: the picture is the face."""

    name = "none"

    def detect(self, image_bgr: Image) -> list[Face]:
        """Give the whole picture as a face of score 1; see `FaceDetector.detect`."""
        height, width = image_bgr.shape[:2]
        return [Face(Box(0, 0, width, height), self.name, 1.0)]
