import numpy as np
import pytest
from helpers.clips import Placed, draw

from emorec.frames import Frame
from emorec.inference.optical_flow import propagate, small_gray
from emorec.types import Box


@pytest.mark.parametrize(
    ("size_wh", "expected"),
    [((640, 360), (360, 640)), ((1280, 720), (360, 640)), ((9, 2000), (640, 3))],
)
def test_small_gray(size_wh, expected):
    frame = Frame.from_image(np.zeros((size_wh[1], size_wh[0], 3), np.uint8))
    assert small_gray(frame).shape == expected


@pytest.mark.parametrize("size_wh", [(480, 270), (1280, 720)])
@pytest.mark.parametrize("move", [(0, 0), (6, -4), (-9, 9)])
def test_boxes_move_with_their_content(size_wh, move):
    scale = size_wh[0] // 480 + 1
    at = {1: (150, 130), 2: (330, 140)}
    frames = [
        Frame.from_image(
            draw(
                [Placed(x + n * move[0], y + n * move[1], 90 * scale) for x, y in at.values()],
                size_wh,
            )
        )
        for n in (0, 1)
    ]
    side = 60 * scale
    boxes = {id_: Box(x - side // 2, y - side // 2, side, side) for id_, (x, y) in at.items()}
    # At this size the second face hides a part of the first one.
    checked = (1, 2) if scale == 1 else (2,)
    places = propagate(*map(small_gray, frames), size_wh, boxes)
    for id_ in checked:
        assert places[id_].x == pytest.approx(boxes[id_].x + move[0], abs=scale)
        assert places[id_].y == pytest.approx(boxes[id_].y + move[1], abs=scale)
        assert places[id_].width == side


def test_boxes_that_cannot_be_tracked_are_omitted():
    image = small_gray(Frame.from_image(draw([Placed(100, 100)])))
    assert propagate(image, image, (480, 270), {}) == {}
    assert propagate(image, image[:200], (480, 270), {1: Box(0, 0, 50, 50)}) == {}
    assert propagate(image, image, (480, 270), {1: Box(900, 900, 50, 50)}) == {}
