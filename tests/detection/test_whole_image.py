import numpy as np
import pytest

from emorec.detection.whole_image import WholeImage
from emorec.types import Box, Face


@pytest.mark.parametrize(("height", "width"), [(1, 1), (48, 48), (30, 70)])
def test_the_image_is_the_face(height, width):
    (face,) = WholeImage().detect(np.zeros((height, width, 3), np.uint8))
    assert face == Face(Box(0, 0, width, height), "none", 1.0)
