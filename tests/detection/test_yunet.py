import csv
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.onnx_models import write_tiny_model

from emorec import resources
from emorec.detection import yunet
from emorec.detection.registry import make_detector
from emorec.detection.yunet import MAX_SEARCH_SIDE, MIN_SEARCH_SIDE, YuNetDetector
from emorec.errors import ConfigError, ModelError
from emorec.images import read_bgr
from emorec.models import onnx_limits
from emorec.types import Box, Face, Landmarks

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


class StubNetwork:
    """Network that returns known rows and records its input size."""

    def __init__(self, rows):
        self.found = rows

    def rows(self, image):
        self.size_wh = image.shape[1::-1]
        return self.found


def row(x, y, width, height, score=0.9):
    return [x, y, width, height, *range(10), score]


@pytest.fixture
def stubbed(tmp_path: Path, monkeypatch):
    """Return a function that makes a detector whose network returns the given rows."""
    model = tmp_path / "model.onnx"
    model.write_bytes(b"any")

    def make(*rows, **options) -> tuple[YuNetDetector, StubNetwork]:
        network = StubNetwork(np.asarray(rows, np.float32).reshape(-1, 15))
        monkeypatch.setattr(onnx_limits, "check_graph", lambda *_: None)
        monkeypatch.setattr(yunet, "YuNetNetwork", lambda *_: network)
        return YuNetDetector(model, **options), network

    return make


def test_no_face(stubbed):
    detector, _ = stubbed()
    assert detector.detect(np.zeros((50, 80, 3), np.uint8)) == []


def test_a_box_becomes_the_square_of_a_cascade(stubbed):
    # 80 x 125 has the root 100: side 113, centred 3.4 above the middle.
    detector, _ = stubbed(row(60, 40, 80, 125))
    (face,) = detector.detect(np.zeros((300, 300, 3), np.uint8))
    landmarks = Landmarks((0, 1), (2, 3), (4, 5), (6, 7), (8, 9))
    assert face == Face(Box(44, 43, 113, 113), "yunet", pytest.approx(0.9), landmarks)
    assert all(type(value) is float for point in face.landmarks.points.values() for value in point)
    assert all(type(value) is int for value in vars(face.box).values())
    assert type(face.score) is float


def test_faces_are_sorted(stubbed):
    detector, _ = stubbed(row(200, 10, 30, 40), row(20, 90, 30, 40))
    faces = detector.detect(np.zeros((300, 300, 3), np.uint8))
    assert [face.box.y > 50 for face in faces] == [True, False]


@pytest.mark.parametrize(
    ("shape", "searched_wh", "factor"),
    [((480, 640), (640, 480), 1), ((720, 960), (960, 720), 1), ((1200, 1920), (960, 600), 2)],
)
def test_large_images_are_downscaled_and_boxes_are_in_full_pixels(
    stubbed, shape, searched_wh, factor
):
    detector, network = stubbed(row(60, 40, 80, 125))
    (face,) = detector.detect(np.zeros((*shape, 3), np.uint8))
    assert network.size_wh == searched_wh
    assert abs(face.box.width - 113 * factor) <= 1
    assert face.landmarks.left_mouth == pytest.approx((8 * factor, 9 * factor))


def test_a_line_of_pixels_keeps_at_least_one_row(stubbed):
    detector, network = stubbed()
    detector.detect(np.zeros((1, 5000, 3), np.uint8))
    assert network.size_wh == (960, 1)


@pytest.mark.parametrize(
    ("options", "searched_wh"),
    [
        ({}, (960, 600)),
        ({"search_side": 64}, (64, 40)),
        ({"for_video": True}, (640, 400)),
        ({"for_video": True, "search_side": 1920}, (1920, 1200)),
    ],
)
def test_the_search_side(stubbed, options, searched_wh):
    _, network = stubbed()
    make_detector("yunet", **options).detect(np.zeros((1200, 1920, 3), np.uint8))
    assert network.size_wh == searched_wh


@pytest.mark.parametrize("side", [MIN_SEARCH_SIDE, MAX_SEARCH_SIDE])
def test_the_limits_of_the_search_side(side):
    """The largest one is within the limits of memory and time of a model file."""
    image = cv2.resize(read_bgr(EXAMPLES / "astronaut.jpg"), (2500, 2500))
    faces = YuNetDetector(search_side=side).detect(image)
    assert max(face.box.iou(Box(810, 290, 560, 560)) for face in faces) > 0.7


@pytest.mark.parametrize("shape", [(1, 1), (32, 50), (33, 33), (90, 20)])
def test_small_images(shape):
    assert YuNetDetector().detect(np.zeros((*shape, 3), np.uint8)) == []


def test_small_images_are_deterministic():
    """OpenCV 4.14 returned uninitialised memory for inputs of 32 pixels or less."""
    image = np.full((20, 100, 3), 127, np.uint8)
    noise = np.random.default_rng(0)
    for _ in range(40):
        memory = [noise.integers(0, 256, (200, 200, 3), np.uint8) for _ in range(10)]
        del memory  # freed with random content
        assert YuNetDetector().detect(image) == []


@pytest.mark.parametrize(("min_size", "faces"), [(None, 2), (56, 2), (57, 1), (113, 1), (114, 0)])
def test_the_smallest_face(stubbed, min_size, faces):
    detector, _ = stubbed(row(60, 40, 80, 125), row(160, 40, 40, 62.5), min_size=min_size)
    assert len(detector.detect(np.zeros((300, 300, 3), np.uint8))) == faces


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("min_score", value) for value in (0, 1, -1, float("nan"))),
        ("min_size", 0),
        ("search_side", 63),
        ("search_side", 1921),
    ],
)
def test_values_out_of_range(name, value):
    with pytest.raises(ConfigError, match=name):
        YuNetDetector("any.onnx", **{name: value})


def test_a_missing_model(tmp_path: Path):
    with pytest.raises(ModelError, match=r"no such file; leave the file out to use the YuNet"):
        YuNetDetector(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="no such file"):
        YuNetDetector(tmp_path)


@pytest.mark.parametrize("content", [None, b"damaged"])
def test_a_broken_installation(tmp_path: Path, monkeypatch, content):
    path = tmp_path / "yunet.onnx"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(resources, "shipped_face_detector", lambda: path)
    with pytest.raises(ModelError, match=r"yunet\.onnx: .*; reinstall emorec: .*pip install"):
        YuNetDetector()


def test_an_opencv_without_the_network(monkeypatch):
    monkeypatch.delattr(cv2, "FaceDetectorYN")
    assert YuNetDetector().detect(np.zeros((50, 80, 3), np.uint8)) == []


def test_a_model_over_the_limit_is_not_read(tmp_path: Path, monkeypatch):
    path = tmp_path / "large.onnx"
    path.write_bytes(b" " * 101)
    monkeypatch.setattr(yunet, "MAX_FILE_BYTES", 100)
    with pytest.raises(ModelError, match="too large"):
        YuNetDetector(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x08\x07" * 1000])
def test_bytes_that_are_not_a_network(tmp_path: Path, content):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.onnx: not a YuNet model") as caught:
        YuNetDetector(path)
    assert "\n" not in str(caught.value)


def test_a_different_network_is_rejected(tmp_path: Path):
    path = write_tiny_model(tmp_path / "emotions.onnx")
    with pytest.raises(ModelError, match=r"emotions\.onnx: not a YuNet model"):
        YuNetDetector(path)


@pytest.fixture(scope="module")
def real() -> YuNetDetector:
    return YuNetDetector()


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
def test_photos(real: YuNetDetector, shared_data: Path, name, faces):
    image = read_bgr(shared_data / "photos" / name)
    found = real.detect(image)
    assert len(found) == faces
    assert found == real.detect(image)


@pytest.mark.real
def test_threads_do_not_disturb_each_other(real: YuNetDetector, shared_data: Path):
    names = ("two_people.jpg", "2008_001322.jpg", "obama-720p.jpg", "no-faces.jpg")
    images = [read_bgr(shared_data / "photos" / name) for name in names]
    expected = [real.detect(image) for image in images]
    found: list[list[Face]] = [[] for _ in images]

    def work(number: int) -> None:
        found[number] = real.detect(images[number])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(images))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected


@pytest.mark.real
def test_marked_faces(real: YuNetDetector, shared_data: Path):
    marked: dict[str, list[Box]] = {}
    with (shared_data / "photos" / "boxes.csv").open(encoding="utf-8") as lines:
        for line in csv.DictReader(lines):
            box = Box(*(int(line[name]) for name in ("x", "y", "width", "height")))
            marked.setdefault(line["image"], []).append(box)
    for name, boxes in marked.items():
        faces = real.detect(read_bgr(shared_data / "photos" / name))
        assert len(faces) == len(boxes)  # no false one
        assert all(max(box.iou(face.box) for face in faces) >= 0.4 for box in boxes)
