"""Boxes and landmarks of faces as text."""

import pytest

from emorec.datasets.readers.boxes import numbers, source_box
from emorec.errors import DataError
from emorec.types import Box


@pytest.mark.parametrize(
    ("texts", "box"),
    [
        (("", "", "", ""), None),
        (("1", "2", "3", "4"), Box(1, 2, 3, 4)),
        (("-1.4", "2.6", "3", "1e2"), Box(-1, 3, 3, 100)),
    ],
)
def test_a_box(texts: tuple[str, ...], box: Box | None) -> None:
    found = source_box(texts, (), "list: row 2")
    assert (found and found.box) == box
    assert found is None or (found.landmarks is None and found.place == "list: row 2")


def test_landmarks() -> None:
    found = source_box(("1", "2", "3", "4"), [str(number) for number in range(10)], "row 2")
    assert found is not None
    assert found.landmarks is not None
    assert found.landmarks.right_eye == (0, 1)
    assert found.landmarks.left_mouth == (8, 9)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (("1", "2", "0", "4"), "row 2: the box is empty"),
        (("1", "2", "3", ""), "row 2: the box x,y,width,height must be 4 numbers"),
        (("1", "nan", "3", "4"), "must be 4 numbers"),
        (("1", "inf", "3", "4"), "must be 4 numbers"),
        (("1", "1e7", "3", "4"), "at most 1,000,000"),
    ],
)
def test_what_is_no_box(texts: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        source_box(texts, (), "row 2")


def test_no_numbers() -> None:
    assert numbers((), "the points") == []
