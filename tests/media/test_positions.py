import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emorec.media.positions import (
    INSIDE,
    OUTSIDE,
    Place,
    enclosing,
    free_place,
    least_hiding_place,
    overlap,
)
from emorec.types import Box

IMAGE = (100, 80)
FACE = Box(40, 30, 20, 20)

sizes = st.tuples(st.integers(1, 60), st.integers(1, 60))
boxes = st.builds(
    Box, st.integers(-50, 120), st.integers(-50, 120), st.integers(1, 70), st.integers(1, 70)
)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Box(0, 0, 10, 10), Box(9, 9, 1, 1), True),
        (Box(0, 0, 10, 10), Box(10, 0, 5, 5), False),
        (Box(0, 0, 10, 10), Box(2, -5, 5, 5), False),
        (Box(0, 0, 10, 10), Box(-5, -5, 50, 50), True),
    ],
)
def test_overlap(one, other, expected):
    assert overlap(one, other) is overlap(other, one) is expected


def test_enclosing():
    assert enclosing(Box(0, 5, 10, 10), Box(20, -5, 5, 12)) == Box(0, -5, 25, 20)


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        ("above", Box(40, 20, 30, 10)),
        ("below", Box(40, 50, 30, 10)),
        ("right", Box(60, 30, 30, 10)),
        ("left", Box(10, 30, 30, 10)),
        ("inside top", Box(40, 30, 30, 10)),
        ("inside bottom", Box(40, 40, 30, 10)),
    ],
)
def test_without_obstacles_a_place_begins_with_its_side(side, expected):
    assert free_place(IMAGE, FACE, (30, 10), [side], []) == Place(expected, side)


@pytest.mark.parametrize(
    ("obstacles", "expected"),
    [
        ([Box(65, 20, 9, 9)], Box(35, 20, 30, 10)),  # it slides to the left of it
        ([Box(35, 20, 7, 9)], Box(42, 20, 30, 10)),
        ([Box(35, 20, 7, 9), Box(65, 0, 9, 29)], None),  # with a middle beside the face, no gap
        ([Box(0, 0, 100, 20), Box(0, 60, 100, 20)], Box(40, 20, 30, 10)),
    ],
)
def test_a_place_slides_to_the_nearest_gap(obstacles, expected):
    found = free_place(IMAGE, FACE, (30, 10), ["above"], obstacles)
    assert found == (expected and Place(expected, "above"))


def test_the_next_side_is_taken_if_one_is_blocked():
    obstacles = [Box(0, 0, 100, 30)]
    assert free_place(IMAGE, FACE, (30, 10), OUTSIDE, obstacles).side == "below"
    everywhere = [Box(0, 0, 100, 80)]
    assert free_place(IMAGE, FACE, (30, 10), OUTSIDE, everywhere) is None


def every_position(face: Box, size, sides) -> list[Box]:
    """Positions pixel by pixel, written without the shortcuts of the module."""
    width, height = size
    left, top = (
        min(max(value, 0), limit) for value, limit in zip((face.x, face.y), IMAGE, strict=True)
    )
    right = min(max(face.x + face.width, left), IMAGE[0])
    bottom = min(max(face.y + face.height, top), IMAGE[1])

    def starts(begin: int, end: int, length: int, limit: int) -> range:
        least = min(max(begin - length // 2, 0), limit - length)
        return range(least, max(min(end - length // 2, limit - length), least) + 1)

    found = []
    for side in sides:
        if side in ("left", "right"):
            x = right if side == "right" else left - width
            found += [Box(x, y, *size) for y in starts(top, bottom, height, IMAGE[1])]
        else:
            y = {
                "above": top - height,
                "below": bottom,
                "inside top": min(top, IMAGE[1] - height),
                "inside bottom": max(bottom - height, 0),
            }[side]
            found += [Box(x, y, *size) for x in starts(left, right, width, IMAGE[0])]
    return [
        box
        for box in found
        if 0 <= box.x <= IMAGE[0] - box.width and 0 <= box.y <= IMAGE[1] - box.height
    ]


@settings(max_examples=50)
@given(face=boxes, size=sizes, obstacles=st.lists(boxes, max_size=6), side=st.sampled_from(OUTSIDE))
def test_a_free_place_is_found_wherever_there_is_one(face, size, obstacles, side):
    positions = every_position(face, size, [side])
    free = [box for box in positions if not any(overlap(box, other) for other in obstacles)]
    found = free_place(IMAGE, face, size, [side], obstacles)
    if not free:
        assert found is None
        return
    begin = min(max(face.y if side in ("left", "right") else face.x, 0), max(IMAGE))

    def distance(box: Box) -> int:
        return abs((box.y if side in ("left", "right") else box.x) - begin)

    assert found.box in free
    assert distance(found.box) == min(map(distance, free))


def hidden_by(tier: list[Box]):
    """Return a function that counts the pixels of boxes that a position hides."""
    pixels = np.zeros((81, 101), int)
    for box in tier:
        rows = slice(max(box.y, 0) + 1, max(box.y + box.height, 0) + 1)
        pixels[rows, max(box.x, 0) + 1 : max(box.x + box.width, 0) + 1] += 1
    sums = pixels.cumsum(axis=0).cumsum(axis=1)

    def hidden(box: Box) -> int:
        right, bottom = box.x + box.width, box.y + box.height
        return int(sums[bottom, right] - sums[box.y, right] - sums[bottom, box.x]) + int(
            sums[box.y, box.x]
        )

    return hidden


@settings(max_examples=50)
@given(
    face=boxes, size=sizes, first=st.lists(boxes, max_size=3), second=st.lists(boxes, max_size=3)
)
def test_the_least_is_hidden_of_the_first_tier_then_of_the_second(face, size, first, second):
    sides = (*OUTSIDE, *INSIDE)
    found = least_hiding_place(IMAGE, face, size, sides, (first, second)).box
    one, two = hidden_by(first), hidden_by(second)
    positions = every_position(face, size, sides)
    assert found in positions
    assert (one(found), two(found)) == min((one(box), two(box)) for box in positions)
