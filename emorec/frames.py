"""Frame: the pixels of an image, or of one frame of an animation, a video or a camera."""

from dataclasses import dataclass, replace

from emorec.images import Image
from emorec.types import Box, Face


@dataclass(frozen=True)
class Frame:
    """Pixels with their position in the source.

    Boxes are always in pixels of the full image; `image_bgr` may be a downscaled copy of it.

    Attributes:
        image_bgr: Upright pixels, shape (height, width, 3), uint8, 0..255, BGR.
        size_wh: Width and height of the full, upright image in pixels.
        number: Index of the frame in its source, from 0; None for a still image.
        time_s: Presentation time in seconds from the start of the source; None for a still image.
    """

    image_bgr: Image
    size_wh: tuple[int, int]
    number: int | None = None
    time_s: float | None = None

    @classmethod
    def from_image(cls, image_bgr: Image) -> "Frame":
        """Make a frame of a still image at full size."""
        height, width = image_bgr.shape[:2]
        return cls(image_bgr, (width, height))

    def to_scaled_box(self, box: Box) -> Box:
        """Convert a box of the full image to a box of `image_bgr`."""
        height, width = self.image_bgr.shape[:2]
        return _scaled(box, width / self.size_wh[0], height / self.size_wh[1])

    def to_full_box(self, box: Box) -> Box:
        """Convert a box of `image_bgr` to a box of the full image."""
        height, width = self.image_bgr.shape[:2]
        return _scaled(box, self.size_wh[0] / width, self.size_wh[1] / height)

    def to_scaled_face(self, face: Face) -> Face:
        """Convert box and landmarks of a face from the full image to `image_bgr`."""
        height, width = self.image_bgr.shape[:2]
        scales = width / self.size_wh[0], height / self.size_wh[1]
        landmarks = face.landmarks and face.landmarks.mapped(*scales)
        return replace(face, box=self.to_scaled_box(face.box), landmarks=landmarks)

    def to_full_face(self, face: Face) -> Face:
        """Convert box and landmarks of a face from `image_bgr` to the full image."""
        height, width = self.image_bgr.shape[:2]
        scales = self.size_wh[0] / width, self.size_wh[1] / height
        landmarks = face.landmarks and face.landmarks.mapped(*scales)
        return replace(face, box=self.to_full_box(face.box), landmarks=landmarks)


def _scaled(box: Box, scale_x: float, scale_y: float) -> Box:
    if scale_x == 1 and scale_y == 1:
        return box
    return Box(
        round(box.x * scale_x),
        round(box.y * scale_y),
        round(box.width * scale_x),
        round(box.height * scale_y),
    )


_FRAMES_PER_STEP = 3
"""Frame lengths, at most, that a frame lasts if they are more than the longest gap."""


def shown_seconds(step_s: float, frame_s: float, max_gap_s: float) -> float:
    """Return how long a frame of a video is shown.

    It lasts until the next one; if that comes later than the longest gap, and than three frame
    lengths, nobody saw what was between them, and the frame lasts its nominal length.

    Args:
        step_s: Time to the next frame, in seconds.
        frame_s: Nominal length of a frame, in seconds.
        max_gap_s: The longest gap, in seconds.
    """
    return step_s if step_s <= max(max_gap_s, _FRAMES_PER_STEP * frame_s) else frame_s
