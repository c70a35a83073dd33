from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.onnx_models import write_tiny_model

from emorec import resources
from emorec.detection.yunet_network import YuNetNetwork, without_overlaps
from emorec.images import read_bgr

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MIN_SCORE = 0.5


@pytest.fixture(scope="module")
def network() -> YuNetNetwork:
    return YuNetNetwork(resources.shipped_face_detector().read_bytes(), MIN_SCORE)


def opencv_rows(image_bgr):
    """Detect with the class of OpenCV that has the same pre- and postprocessing."""
    size_wh = (image_bgr.shape[1], image_bgr.shape[0])
    model = str(resources.shipped_face_detector())
    found = cv2.FaceDetectorYN.create(model, "", size_wh, MIN_SCORE, 0.3, 5000).detect(image_bgr)[1]
    return np.empty((0, 15), np.float32) if found is None else found


def four_faces():
    """Return an image of upright and mirrored faces of two sizes."""
    face = cv2.resize(read_bgr(EXAMPLES / "astronaut.jpg"), (300, 300))
    large = np.concatenate([face, face[:, ::-1]], axis=1)
    return np.concatenate([large, cv2.resize(large, (600, 140))])


@pytest.mark.parametrize("size_wh", [(600, 440), (333, 244), (64, 64), (601, 35)])
def test_the_faces_are_those_of_opencv(network, size_wh):
    image = cv2.resize(four_faces(), size_wh, interpolation=cv2.INTER_AREA)
    rows, expected = network.rows(image), opencv_rows(image)
    assert rows.shape == expected.shape
    order, expected_order = np.lexsort(rows.T[:2]), np.lexsort(expected.T[:2])
    np.testing.assert_allclose(rows[order], expected[expected_order], atol=1e-3)


def test_the_best_face_is_the_first(network):
    rows = network.rows(four_faces())
    assert len(rows) >= 2
    assert list(rows[:, 14]) == sorted(rows[:, 14], reverse=True)


def test_no_face(network):
    assert network.rows(np.zeros((50, 80, 3), np.uint8)).shape == (0, 15)


@pytest.mark.parametrize("content", [b"", b"hello"])
def test_bytes_that_are_no_network(content):
    with pytest.raises(ValueError, match=r"\w"):
        YuNetNetwork(content, MIN_SCORE)


def test_another_network(tmp_path: Path):
    data = write_tiny_model(tmp_path / "emotions.onnx").read_bytes()
    with pytest.raises(ValueError, match="outputs"):
        YuNetNetwork(data, MIN_SCORE)


def test_rows_that_overlap_a_better_one_or_are_not_finite_are_dropped():
    boxes = [(0, 0, 10, 10), (1, 1, 10, 10), (50, 0, 10, 10), (np.nan, 0, 9, 9), (9, 9, np.inf, 9)]
    rows = np.zeros((5, 15), np.float32)
    rows[:, :4] = boxes
    rows[:, 14] = (0.7, 0.9, 0.8, 0.99, 0.95)
    np.testing.assert_array_equal(without_overlaps(rows), rows[[1, 2]])
    assert without_overlaps(rows[:0]).shape == (0, 15)
