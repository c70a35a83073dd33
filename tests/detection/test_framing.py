"""Framing of faces: margin, alignment and images that are faces as a whole."""

import numpy as np
import pytest

from emorec.detection.framing import crop_regions
from emorec.frames import Frame
from emorec.preprocessing import CropRegion
from emorec.types import Box, Face, Landmarks

FRAME = Frame.from_image(np.zeros((100, 200, 3), np.uint8))
TILTED = Landmarks((20, 20), (40, 40), (30, 35), (15, 40), (35, 55))


def test_no_faces_have_no_regions():
    assert crop_regions(FRAME, [], 0.5, align=True) == []


@pytest.mark.parametrize(
    ("detector", "expected"),
    [
        ("yunet", CropRegion(5, 5, 60, 60)),
        ("boxes", CropRegion(5, 5, 60, 60)),
        ("none", CropRegion(15, 15, 40, 40)),
    ],
)
def test_whole_images_have_no_margin(detector: str, expected: CropRegion):
    face = Face(Box(15, 15, 40, 40), detector, 1.0)
    assert crop_regions(FRAME, [face], 0.25, align=False) == [expected]


def test_faces_with_landmarks_are_rotated_on_request():
    faces = [Face(Box(10, 10, 40, 40), "yunet", 1.0, marks) for marks in (TILTED, None)]
    degrees = [[r.degrees for r in crop_regions(FRAME, faces, 0, on)] for on in (True, False)]
    assert degrees == [[pytest.approx(45), 0], [0, 0]]


def test_boxes_of_a_downscaled_image_are_in_pixels_of_the_full_one():
    frame = Frame(FRAME.image_bgr, (400, 200))
    face = Face(Box(100, 50, 40, 40), "yunet", 1.0)
    assert crop_regions(frame, [face], 0, align=False) == [CropRegion(50, 25, 20, 20)]
