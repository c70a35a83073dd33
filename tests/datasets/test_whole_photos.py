"""Whole photos and face crops: told apart, and named where face crops are expected."""

from pathlib import Path

import pytest
from helpers.marked_faces import MarkDetector, draw_marks

from emorec.datasets.manifest import read_prepared
from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.rows import ReadOptions
from emorec.datasets.whole_photos import (
    face_share,
    is_face_crop,
    is_small,
    largest_face,
    resemble_crops,
    share_text,
    whole_photos_note,
)
from emorec.types import Box, Face


def faces(*sides: int) -> list[Face]:
    return [Face(Box(i, 0, side, side), "yunet", 1.0) for i, side in enumerate(sides)]


@pytest.mark.parametrize(
    ("size_wh", "small"),
    [((1, 1), True), ((100, 48), True), ((101, 48), False), ((48, 101), False)],
)
def test_small_images(size_wh: tuple[int, int], small: bool):
    assert is_small(size_wh) == small


@pytest.mark.parametrize(
    ("size_wh", "sides", "crop"),
    [
        ((224, 224), [200], True),
        ((224, 224), [90], True),
        ((224, 224), [89], False),
        ((224, 224), [300], True),  # detectors return boxes that cross the border
        ((300, 200), [150], True),
        ((301, 200), [150], False),  # a webcam's image, however near the face is
        ((200, 200), [150, 75], False),  # two people
        ((200, 200), [150, 74], True),
        ((640, 480), [100], False),
    ],
)
def test_one_face_fills_a_face_crop(size_wh: tuple[int, int], sides: list[int], crop: bool):
    assert is_face_crop(size_wh, faces(*sides)) == crop


def test_the_largest_face_decides():
    assert largest_face(faces(3, 5, 5, 4)).box == Box(1, 0, 5, 5)
    assert face_share((100, 50), faces(3, 10)) == pytest.approx(0.02)
    assert face_share((10, 10), faces(30)) == 1


@pytest.mark.parametrize(
    ("size_wh", "crops", "photos", "expected"),
    [
        ((224, 224), [], [], False),
        ((224, 224), [(224, 224)], [], True),
        ((224, 224), [(200, 190)], [], True),
        ((224, 224), [(300, 300)], [], False),
        ((224, 224), [(224, 224)], [(224, 224)], False),
        ((224, 224), [(224, 224)], [(640, 224)], True),
        ((224, 170), [(224, 224)], [], False),
    ],
)
def test_images_without_a_face_resemble_their_neighbours(size_wh, crops, photos, expected: bool):
    assert resemble_crops([size_wh], crops, photos) == [expected]
    assert resemble_crops([], crops, photos) == []


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.0042, "0.42 %"), (0.084, "8.4 %"), (0.156, "16 %"), (1.0, "100 %")],
)
def test_shares_as_text(share: float, text: str):
    assert share_text(share) == text


def make_tree(root: Path, photos: int, crops: int, empty: int = 0) -> Path:
    kinds = [((160, 120), [Box(20, 20, 30, 30)])] * photos
    kinds += [((120, 120), [Box(10, 10, 90, 90)])] * crops
    kinds += [((160, 120), [])] * empty
    for number, (size_wh, boxes) in enumerate(kinds):
        label = "happy" if number % 2 else "sad"
        draw_marks(root / "train" / label / f"{number}.png", size_wh, boxes, number)
    return root


@pytest.mark.parametrize(
    ("photos", "crops", "empty", "begin"),
    [
        (0, 4, 0, None),
        (2, 2, 0, None),
        (0, 0, 4, None),
        (3, 1, 0, "3 of 4 images look like whole photos: median face 4.7 % of the image; "),
        (44, 0, 0, "40 of 40 images look like whole photos: median face 4.7 % of the image; "),
    ],
)
def test_a_tree_of_whole_photos_is_named(
    tmp_path: Path,
    marks: MarkDetector,
    photos,
    crops,
    empty,
    begin,
):
    root = make_tree(tmp_path / "my photos", photos, crops, empty)
    note = whole_photos_note(read_prepared(root))
    assert marks.searched <= 40
    if begin is None:
        assert note is None
    else:
        assert note is not None
        assert note.startswith(begin)
        assert note.endswith(f"emorec prepare-data '{root}' --out '{root}-faces'")


def test_small_images_are_not_searched(tiny_data: Path, marks: MarkDetector):
    assert whole_photos_note(read_prepared(tiny_data)) is None
    assert marks.searched == 0


@pytest.mark.parametrize("mode", ["auto", "none"])
def test_a_decision_about_faces_is_respected(
    tmp_path: Path,
    marks: MarkDetector,
    mode: str,
):
    root = make_tree(tmp_path / "photos", 8, 0)
    options = PrepareOptions(faces=mode)
    prepare_data(root, tmp_path / "out", options, read_options=ReadOptions(validation=0, test=0))
    searched = marks.searched
    assert whole_photos_note(read_prepared(tmp_path / "out")) is None
    assert marks.searched == searched
