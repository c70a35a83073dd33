import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from emorec.detection import haar
from emorec.detection.haar import CASCADES, HaarDetector
from emorec.errors import ConfigError, MissingDependencyError, ModelError
from emorec.images import read_bgr
from emorec.resources import folder
from emorec.types import Box

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


class StubCascade:
    """Classifier with the interface of OpenCV that records its arguments."""

    def __init__(self, boxes=(), window=(20, 20)):
        self.boxes, self.window = boxes, window

    def getOriginalWindowSize(self):  # noqa: N802
        return self.window

    def detectMultiScale3(self, image, **options):  # noqa: N802
        self.image, self.options = image, options
        return self.boxes, (0,) * len(self.boxes), np.arange(len(self.boxes), dtype=float)


def stubbed(monkeypatch, stub, **arguments) -> HaarDetector:
    monkeypatch.setattr(haar, "_load", lambda cascade: stub)
    return HaarDetector(**arguments)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (23, 23), (24, 24), (300, 200)])
def test_an_empty_image_has_no_face(shape):
    assert HaarDetector().detect(np.full((*shape, 3), 127, np.uint8)) == []


@pytest.mark.parametrize("cascade", CASCADES)
def test_each_cascade_detects_the_example(cascade):
    image = read_bgr(EXAMPLES / "astronaut.jpg")
    (face,) = HaarDetector(cascade, min_neighbors=6).detect(image)
    assert face.detector == "haar"
    assert abs(face.box.x + face.box.width / 2 - 224) < 12
    assert abs(face.box.y + face.box.height / 2 - 115) < 12
    assert 80 < face.box.width < 130
    assert type(face.score) is float


def test_a_cascade_from_a_file_detects_the_same():
    image = read_bgr(EXAMPLES / "astronaut.jpg")
    by_path = HaarDetector(folder("cascades") / CASCADES["alt2"])
    assert by_path.detect(image) == HaarDetector("alt2").detect(image)


@pytest.mark.parametrize(
    ("options", "side"),
    [
        ({}, 36),
        ({"min_share": haar.MIN_SIZE_SHARE_OF_VIDEOS}, 48),
        ({"min_share": 0.0}, haar.MIN_SIZE_FLOOR),
        ({"min_share": 0.5, "min_size": 90}, 90),
    ],
)
def test_the_smallest_face(monkeypatch, options, side):
    stub = StubCascade()
    stubbed(monkeypatch, stub, **options).detect(np.zeros((720, 1280, 3), np.uint8))
    factor = 720 / stub.image.shape[0]
    assert stub.options["minSize"][0] * factor == pytest.approx(side, rel=0.02)


def test_boxes_are_in_pixels_of_the_full_image():
    image = read_bgr(EXAMPLES / "astronaut.jpg")
    (small,) = HaarDetector().detect(image)
    (large,) = HaarDetector().detect(cv2.resize(image, None, fx=4, fy=4))
    for name in ("x", "y", "width", "height"):
        assert abs(getattr(large.box, name) - 4 * getattr(small.box, name)) < 24
    assert all(type(value) is int for value in vars(large.box).values())


def test_faces_are_sorted_from_left_to_right_then_top_to_bottom(monkeypatch):
    stub = StubCascade([(90, 5, 30, 30), (10, 70, 30, 30), (10, 20, 30, 30)])
    faces = stubbed(monkeypatch, stub).detect(np.zeros((200, 200, 3), np.uint8))
    assert [face.box for face in faces] == [
        Box(10, 20, 30, 30),
        Box(10, 70, 30, 30),
        Box(90, 5, 30, 30),
    ]
    assert [face.score for face in faces] == [2.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("shape", "min_size", "window", "searched_shape", "searched_size"),
    [
        ((100, 200), None, 20, (100, 200), 24),  # the floor
        ((720, 1280), None, 20, (480, 853), 24),  # a twentieth of 720 is 36, downscaled to 24
        ((720, 1280), None, 36, (720, 1280), 36),  # not below the cascade's own window
        ((720, 1280), 72, 20, (240, 427), 24),
        ((720, 1280), 10, 20, (720, 1280), 10),
    ],
)
def test_the_image_is_downscaled_according_to_the_smallest_face(
    monkeypatch, shape, min_size, window, searched_shape, searched_size
):
    stub = StubCascade(window=(window, window))
    stubbed(monkeypatch, stub, min_size=min_size).detect(np.zeros((*shape, 3), np.uint8))
    assert stub.image.shape == searched_shape
    assert stub.options["minSize"] == (searched_size, searched_size)


@pytest.mark.parametrize(("min_score", "scores"), [(None, [0, 1, 2]), (1, [1, 2]), (2.5, [])])
def test_faces_of_a_low_level_weight_are_dropped(monkeypatch, min_score, scores):
    stub = StubCascade([(10, 5, 30, 30), (50, 5, 30, 30), (90, 5, 30, 30)])
    detector = stubbed(monkeypatch, stub, min_score=min_score)
    faces = detector.detect(np.zeros((200, 200, 3), np.uint8))
    assert [face.score for face in faces] == scores


class ProfileStub(StubCascade):
    """Returns the boxes of two searches in turn, that of the mirrored image first."""

    def __init__(self, mirrored, plain):
        super().__init__()
        self.searches = [mirrored, plain]
        self.images = []

    def detectMultiScale3(self, image, **options):  # noqa: N802
        self.boxes = self.searches.pop(0)
        self.images.append(image)
        return super().detectMultiScale3(image, **options)


def test_profiles_of_both_directions_are_added_to_the_frontal_faces(monkeypatch):
    frontal = StubCascade([(10, 20, 30, 30)])
    # In an image of width 200, x = 150 mirrored is 20; the second plain hit is a known face.
    profile = ProfileStub([(150, 60, 30, 30)], [(120, 5, 40, 40), (12, 22, 30, 30)])
    monkeypatch.setattr(haar, "_load", {"alt": frontal, "profile": profile}.get)
    image = np.random.default_rng(0).integers(0, 256, (100, 200, 3), np.uint8)
    faces = HaarDetector("alt", profile=True).detect(image)
    assert [(face.detector, face.box) for face in faces] == [
        ("haar", Box(10, 20, 30, 30)),
        ("haar-profile", Box(20, 60, 30, 30)),
        ("haar-profile", Box(120, 5, 40, 40)),
    ]
    mirrored, plain = profile.images
    assert (mirrored == plain[:, ::-1]).all()


def test_the_profile_cascade_duplicates_no_face():
    image = read_bgr(EXAMPLES / "astronaut.jpg")
    frontal = [face for face in HaarDetector(profile=True).detect(image) if face.detector == "haar"]
    assert frontal == HaarDetector().detect(image)


def test_no_face_is_larger_than_its_image():
    assert HaarDetector(min_size=10**6).detect(np.zeros((50, 50, 3), np.uint8)) == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"scale_factor": 1.0},
        {"scale_factor": float("nan")},
        {"scale_factor": 11},
        {"min_neighbors": 0},
        {"min_size": 0},
        {"min_score": float("nan")},
    ],
)
def test_values_out_of_range(arguments):
    (name,) = arguments
    with pytest.raises(ConfigError, match=name):
        HaarDetector(**arguments)


def test_a_missing_cascade(tmp_path: Path):
    with pytest.raises(ModelError, match=r"no such cascade; use one of alt, alt2, default"):
        HaarDetector("alt3")
    with pytest.raises(ModelError, match="no such cascade"):
        HaarDetector(tmp_path)


def test_a_cascade_file_over_the_limit_is_not_read(tmp_path: Path, monkeypatch):
    path = tmp_path / "large.xml"
    path.write_bytes(b" " * 101)
    monkeypatch.setattr(haar, "MAX_FILE_BYTES", 100)
    with pytest.raises(ModelError, match="too large"):
        HaarDetector(path)


def test_binary_bytes_are_not_a_cascade(tmp_path: Path):
    path = tmp_path / "binary.xml"
    path.write_bytes(b"\x00\xff\xfe" * 100)
    with pytest.raises(ModelError, match="not an XML text"):
        HaarDetector(path)


def test_opencv_without_cascades_names_the_fix(monkeypatch):
    monkeypatch.delattr(cv2, "CascadeClassifier")
    with pytest.raises(MissingDependencyError, match=r'pip install "opencv-python>=4.12,<5"'):
        HaarDetector()


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "faces"),
    [
        ("no-faces.jpg", 0),
        ("exif_orientation_1.jpg", 0),
        ("obama-720p.jpg", 1),
        ("two_people.jpg", 2),
    ],
)
def test_photos(shared_data: Path, name, faces):
    image = read_bgr(shared_data / "photos" / name)
    found = HaarDetector().detect(image)
    assert len(found) == faces
    assert found == HaarDetector().detect(image)


@pytest.mark.real
def test_marked_faces(shared_data: Path):
    """13 of 18 at an IoU of 0.4 and no false one, as `scripts/bench_detect.py` prints."""
    marked: dict[str, list[Box]] = {}
    with (shared_data / "photos" / "boxes.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            box = Box(*(int(row[name]) for name in ("x", "y", "width", "height")))
            marked.setdefault(row["image"], []).append(box)
    detector = HaarDetector()
    hits = false = 0
    for name, boxes in marked.items():
        for face in detector.detect(read_bgr(shared_data / "photos" / name)):
            best = max(boxes, key=face.box.iou, default=None)
            if best is not None and face.box.iou(best) >= 0.4:
                boxes.remove(best)
                hits += 1
            else:
                false += 1
    assert (hits, false) == (13, 0)
