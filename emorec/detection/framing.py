"""Frames detected faces for a model: which rectangle of an image the crop of a face shows."""

from collections.abc import Sequence

from emorec.detection.registry import takes_whole_image
from emorec.frames import Frame
from emorec.preprocessing import CropRegion, crop_region
from emorec.types import Face


def crop_regions(
    frame: Frame, faces: Sequence[Face], margin: float, align: bool
) -> list[CropRegion]:
    """Return the rectangles of the crops of faces, in pixels of `frame.image_bgr`.

    Args:
        frame: The image.
        faces: Its faces, boxes in pixels of the full image.
        margin: Fraction of the box's width and height added on each side. Faces of a detector that
            takes the whole image as a face get none.
        align: Rotate the crops of tilted faces that have landmarks; see
            `emorec.preprocessing.crop_face`.
    """
    height, width = frame.image_bgr.shape[:2]
    regions = []
    for face in map(frame.to_scaled_face, faces):
        added = 0.0 if takes_whole_image(face.detector) else margin
        landmarks = face.landmarks if align else None
        regions.append(crop_region((width, height), face.box, added, landmarks))
    return regions
