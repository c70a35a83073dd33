import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.types import Box

boxes = st.builds(Box, *[st.integers(-50, 50)] * 2, *[st.integers(0, 60)] * 2)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Box(0, 0, 0, 0), Box(0, 0, 0, 0), 0),
        (Box(0, 0, 10, 10), Box(10, 0, 10, 10), 0),
        (Box(0, 0, 10, 10), Box(0, 0, 10, 10), 1),
        (Box(0, 0, 10, 10), Box(5, 0, 10, 10), 1 / 3),
        (Box(-5, -5, 10, 10), Box(-2, -2, 4, 4), 0.16),
    ],
)
def test_iou(one, other, expected):
    assert one.iou(other) == pytest.approx(expected)


@given(one=boxes, other=boxes)
def test_iou_is_a_fraction_and_symmetric(one, other):
    assert 0 <= one.iou(other) == other.iou(one) <= 1
    assert one.iou(one) == (1 if one.width * one.height else 0)
