"""Contract of every detector in the table, and the table itself."""

import functools
import inspect
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from emorec.detection.base import FaceDetector
from emorec.detection.haar import CASCADES
from emorec.detection.registry import (
    DEFAULT_DETECTOR,
    DETECTORS,
    detector_entry,
    make_detector,
    takes_whole_image,
)
from emorec.detection.yunet import YuNetDetector
from emorec.errors import ConfigError
from emorec.images import read_bgr

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "astronaut.jpg"

WITHOUT_SEARCH = {"none"}
"""Detectors that return one box whatever the image shows."""


@pytest.fixture(params=DETECTORS)
def name(request) -> str:
    return request.param


@pytest.fixture
def detector(name: str) -> FaceDetector:
    """Made by an unpickled function, as in a worker process."""
    make = functools.partial(make_detector, name)
    return pickle.loads(pickle.dumps(make))()


# Every detector


def test_faces_are_as_the_interface_defines(name: str, detector: FaceDetector):
    image = read_bgr(EXAMPLE)
    before = image.copy()
    (face,) = detector.detect(image)
    assert face.detector == name
    assert all(type(value) is int for value in vars(face.box).values())
    assert type(face.score) is float
    assert detector.detect(image) == [face]
    np.testing.assert_array_equal(image, before)
    if name in WITHOUT_SEARCH:
        return
    box = face.box
    assert box.x < 224 < box.x + box.width
    assert box.y < 115 < box.y + box.height
    assert box.width == box.height
    assert 80 < box.width < 130
    assert (face.landmarks is not None) == DETECTORS[name].landmarks
    if face.landmarks is None:
        return
    points = face.landmarks
    assert abs(points.tilt) < 10
    assert points.right_eye[0] < points.nose[0] < points.left_eye[0]
    assert points.right_mouth[0] < points.nose[0] < points.left_mouth[0]
    assert box.y < points.right_eye[1] < points.nose[1] < points.left_mouth[1] < box.y + box.height


def test_faces_are_ordered_from_left_to_right(name: str, detector: FaceDetector):
    image = read_bgr(EXAMPLE)[:300, 60:390]
    faces = detector.detect(np.ascontiguousarray(np.hstack([image, image, image])))
    assert len(faces) == (1 if name in WITHOUT_SEARCH else 3)
    assert [face.box.x for face in faces] == sorted(face.box.x for face in faces)


@pytest.mark.parametrize("shape", [(1, 1), (40, 30)])
def test_small_plain_images(name: str, detector: FaceDetector, shape: tuple[int, int]):
    faces = detector.detect(np.full((*shape, 3), 127, np.uint8))
    assert len(faces) == (name in WITHOUT_SEARCH)


def test_several_threads(detector: FaceDetector):
    image = read_bgr(EXAMPLE)
    images = [image, cv2.resize(image, (300, 300)), image[:, 100:], np.zeros_like(image)] * 4
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detector.detect, images)) == [detector.detect(i) for i in images]


def test_an_unknown_option(name: str):
    with pytest.raises(ConfigError, match=f"the detector '{name}' has no option 'min_sise'"):
        make_detector(name, min_sise=3)


def test_a_detector_for_videos(name: str):
    assert len(make_detector(name, for_video=True).detect(read_bgr(EXAMPLE))) == 1


def test_the_options_of_the_table_are_those_of_the_class(name: str, detector: FaceDetector):
    """Names and defaults; `min_share` is set for videos and is not an option."""
    parameters = dict(inspect.signature(type(detector).__init__).parameters)
    for absent in ("self", "min_share", "args", "kwargs"):
        parameters.pop(absent, None)
    if "model" in parameters:
        parameters["detector_model"] = parameters.pop("model")
    table = {option.name: option for option in DETECTORS[name].options}
    assert set(table) == set(parameters)
    for option in table.values():
        default = parameters[option.name].default
        if default is inspect.Parameter.empty or default is None:
            assert option.default is None
            assert option.default_text
        elif option.default is None:
            assert option.default_text.partition(",")[0] == str(default)
        else:
            assert option.default == default


def test_the_opencv_class_exists(name: str):
    entry = DETECTORS[name]
    assert entry.opencv_class is None or hasattr(cv2, entry.opencv_class)


def test_every_detector_has_a_row_in_the_documentation(name: str):
    page = (ROOT / "docs" / "detection.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith(f"| `{name}`")]
    assert len(rows) == 1, f"docs/detection.md: the table needs one row for {name!r}"
    assert ("(default)" in rows[0]) == (name == DEFAULT_DETECTOR)
    for option in DETECTORS[name].options:
        flag = f"`--{option.name.replace('_', '-')}`"
        assert flag in rows[0], f"docs/detection.md: the row of {name!r} lacks {flag}"


# The table


def test_names_are_keys():
    assert {entry.name for entry in DETECTORS.values()} == set(DETECTORS)
    assert all(DETECTORS[name].name == name for name in DETECTORS)


def test_an_unknown_detector():
    with pytest.raises(
        ConfigError, match="unknown detector 'mtcnn'; the detectors are: yunet, haar"
    ):
        make_detector("mtcnn")
    with pytest.raises(ConfigError, match="unknown detector ''"):
        detector_entry("")


def test_no_detection_has_a_second_name():
    assert detector_entry("whole-image") is DETECTORS["none"]
    assert make_detector("whole-image").detect(np.zeros((4, 6, 3), np.uint8))[0].detector == "none"
    aliases = [entry.alias for entry in DETECTORS.values() if entry.alias]
    assert len({*aliases, *DETECTORS}) == len(aliases) + len(DETECTORS)


def test_the_default_detector():
    default = make_detector()
    assert type(default) is type(make_detector(DEFAULT_DETECTOR))
    assert isinstance(default, YuNetDetector)


def test_the_cascades_of_the_package():
    (option,) = (option for option in DETECTORS["haar"].options if option.name == "cascade")
    assert option.names == tuple(CASCADES)


@pytest.mark.parametrize(
    ("detector", "expected"),
    [("", False), ("none", True), ("haar", False), ("haar-profile", False), ("track", False)],
)
def test_whole_images(detector: str, expected: bool):
    assert takes_whole_image(detector) is expected
