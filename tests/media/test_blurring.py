"""Blurred faces: nothing else changes, and what remains is not the face."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.detection.registry import make_detector
from emorec.errors import ConfigError
from emorec.frames import Frame
from emorec.media.blurring import MARGIN, blur_faces, blur_frame
from emorec.types import BLURS, Box

ROOT = Path(__file__).resolve().parents[2]
PHOTO = cv2.imread(str(ROOT / "examples" / "astronaut.jpg"))
NOISE = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)

boxes = st.builds(
    Box, st.integers(-80, 200), st.integers(-80, 200), st.integers(1, 250), st.integers(1, 250)
)


def hidden(boxes: list[Box], shape: tuple[int, ...]) -> np.ndarray:
    """Return which pixels may change: those of the boxes and their margins."""
    changes = np.zeros(shape[:2], bool)
    for box in boxes:
        across, down = int(np.ceil(MARGIN * box.width)), int(np.ceil(MARGIN * box.height))
        top, left = max(box.y - down, 0), max(box.x - across, 0)
        bottom, right = box.y + box.height + down, box.x + box.width + across
        changes[top : max(bottom, 0), left : max(right, 0)] = True
    return changes


@pytest.fixture(scope="module")
def face() -> Box:
    (found,) = make_detector("yunet").detect(PHOTO)
    return found.box


@pytest.mark.parametrize("method", BLURS)
def test_without_faces_the_image_is_copied(method):
    blurred = blur_faces(NOISE, [], method)
    assert np.array_equal(blurred, NOISE)
    assert not np.shares_memory(blurred, NOISE)


@given(st.lists(boxes, max_size=4), st.sampled_from(BLURS))
def test_only_pixels_of_faces_change(faces: list[Box], method: str):
    """Also for boxes that are tiny, or partly or wholly outside the image."""
    before = NOISE.copy()
    blurred = blur_faces(NOISE, faces, method)
    assert np.array_equal(NOISE, before)
    assert (blurred.shape, blurred.dtype) == (NOISE.shape, NOISE.dtype)
    changes = hidden(faces, NOISE.shape)
    assert np.array_equal(blurred[~changes], NOISE[~changes])


@pytest.mark.parametrize("method", BLURS)
@pytest.mark.parametrize("side", [2, 5, 9, 33, 100])
def test_every_part_of_a_face_changes(method, side):
    """Of noise, no more than a tenth of the pixels keeps its value by chance."""
    box = Box(10, 5, side, side)
    inside = hidden([box], NOISE.shape)
    blurred = blur_faces(NOISE, [box], method)
    assert (blurred[inside] == NOISE[inside]).mean() < 0.1


@pytest.mark.parametrize("method", BLURS)
@pytest.mark.parametrize("scale", [0.4, 1, 3])
def test_a_blurred_face_is_not_found_and_does_not_correlate(face: Box, method, scale):
    """However large the face is: the details are gone, not only the edges."""
    photo = cv2.resize(PHOTO, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    box = Box(*(round(scale * value) for value in (face.x, face.y, face.width, face.height)))
    blurred = blur_faces(photo, [box], method)
    detector = make_detector("yunet")
    assert [found for found in detector.detect(photo) if found.box.iou(box) > 0.5]
    assert not [found for found in detector.detect(blurred) if found.box.iou(box) > 0.1]
    crops = [
        cv2.resize(
            cv2.cvtColor(
                image[box.y : box.y + box.height, box.x : box.x + box.width], cv2.COLOR_BGR2GRAY
            ),
            (64, 64),
            interpolation=cv2.INTER_AREA,
        ).astype(float)
        for image in (photo, blurred)
    ]
    # What is finer than a tenth of the face: eyes, nose and mouth.
    before, after = (crop - cv2.GaussianBlur(crop, (0, 0), 6) for crop in crops)
    spread = np.sqrt((before**2).sum() * (after**2).sum())
    correlation = (before * after).sum() / spread if spread else 0
    assert correlation < 0.35
    if method != "pixelate":
        assert after.std() < 0.3 * before.std()


def test_pixels_of_a_pixelated_face(face: Box):
    """At most eight cells across, of one colour each."""
    blurred = blur_faces(PHOTO, [face], "pixelate")
    row = blurred[face.y + face.height // 2]
    across = int(np.ceil(MARGIN * face.width))
    row = row[face.x - across : face.x + face.width + across]
    assert 4 <= (np.diff(row.astype(int), axis=0).any(axis=1)).sum() + 1 <= 8


def test_a_filled_box_is_black(face: Box):
    blurred = blur_faces(PHOTO, [face], "box")
    assert not blurred[hidden([face], PHOTO.shape)].any()


def test_a_frame_that_is_a_downscaled_copy():
    frame = Frame(NOISE, (320, 240), number=3, time_s=0.5)
    blurred = blur_frame(frame, [Box(100, 100, 40, 40)], "box")
    assert (blurred.size_wh, blurred.number, blurred.time_s) == ((320, 240), 3, 0.5)
    assert np.array_equal(blurred.image_bgr, blur_faces(NOISE, [Box(50, 50, 20, 20)], "box"))


@pytest.mark.parametrize("method", ["", "pixellate", "none"])
def test_an_unknown_method(method):
    with pytest.raises(ConfigError, match=r"unknown blur .* choose one of pixelate, gaussian, box"):
        blur_faces(NOISE, [], method)
