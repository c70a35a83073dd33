"""Classes that cannot be trained or evaluated are refused with the reason."""

from pathlib import Path

import pytest

from emorec.datasets.class_checks import require_classes
from emorec.errors import DataError

GOOD = [("train", "happy"), ("train", "sad"), ("test", "sad"), ("validation", "happy")]


def test_classes_with_images_in_train_are_accepted() -> None:
    require_classes(Path("data"), [])
    require_classes(Path("data"), GOOD)
    require_classes(Path("data"), [*GOOD, ("train", "")])
    require_classes(Path("data"), GOOD, {"validation": 0.0})


def test_images_for_evaluation_alone_are_accepted() -> None:
    require_classes(Path("data"), [("test", "happy"), ("test", "sad")])


@pytest.mark.parametrize(
    ("images", "drawn", "message"),
    [
        ([("train", "happy")] * 3, {}, r"^data: all images have the label 'happy'; two or more"),
        ([*GOOD, ("test", "fear")], {}, r"^data: the class 'fear' has 1 image, none of them in tr"),
        (GOOD, {"test": 0.1}, r"^data: the class 'happy' has 2 images, too few for a share of 0.1"),
        (GOOD, {"validation": 0.2}, r"the class 'sad' .* 0\.2 for validation; .* --validation$"),
    ],
)
def test_a_class_that_cannot_be_used_is_named(
    images: list[tuple[str, str]], drawn: dict[str, float], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        require_classes(Path("data"), images, drawn)
