"""Stand-in for a detector: takes the whole image as one face, for images that are face crops."""

from emorec.image_arrays import check_image
from emorec.images import Image
from emorec.types import Box, Face


class WholeImage:
    """Face detector that detects nothing: the whole image is the face."""

    name = "none"

    def detect(self, image_bgr: Image) -> list[Face]:
        """Return the whole image as one face of score 1; see `FaceDetector.detect`."""
        check_image(image_bgr)
        height, width = image_bgr.shape[:2]
        return [Face(Box(0, 0, width, height), self.name, 1.0)]
