"""What is looked at: one picture, or one frame of an animation, a video or a camera."""

from dataclasses import dataclass

from emorec.images import Image
from emorec.types import Box


@dataclass(frozen=True)
class Frame:
    """Pixels, and where they come from within their source.

    Boxes always count in pixels of the full picture; `image_bgr` may be a smaller copy of it.

    Attributes:
        image_bgr: What is looked at, upright; shape (height, width, 3), uint8, blue, green, red.
        size_wh: Width and height of the full, upright picture in pixels.
        number: Number of the frame in its source, from 0; None for a still picture.
        time_s: When the frame is shown, in seconds from the source's start; None for a still
            picture.
    """

    image_bgr: Image
    size_wh: tuple[int, int]
    number: int | None = None
    time_s: float | None = None

    @classmethod
    def of(cls, image_bgr: Image) -> "Frame":
        """Take a whole picture as it is."""
        height, width = image_bgr.shape[:2]
        return cls(image_bgr, (width, height))

    def inward(self, box: Box) -> Box:
        """Turn a box of the full picture into one of `image_bgr`."""
        height, width = self.image_bgr.shape[:2]
        return _scaled(box, width / self.size_wh[0], height / self.size_wh[1])

    def outward(self, box: Box) -> Box:
        """Turn a box of `image_bgr` into one of the full picture."""
        height, width = self.image_bgr.shape[:2]
        return _scaled(box, self.size_wh[0] / width, self.size_wh[1] / height)


def _scaled(box: Box, x: float, y: float) -> Box:
    if x == 1 and y == 1:
        return box
    return Box(round(box.x * x), round(box.y * y), round(box.width * x), round(box.height * y))
