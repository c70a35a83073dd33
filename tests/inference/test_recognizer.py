import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from helpers.onnx_models import METADATA, write_tiny_model

from emorec.detection import yunet
from emorec.detection.registry import DETECTORS, make_detector
from emorec.detection.whole_image import WholeImage
from emorec.errors import ConfigError
from emorec.frames import Frame
from emorec.images import read_bgr
from emorec.inference.classifier import EmotionClassifier
from emorec.inference.recognizer import EmotionRecognizer
from emorec.labels import EMOTIONS_7, EMOTIONS_8
from emorec.resources import folder
from emorec.types import Box, Face, Prediction

PHOTO = Path(__file__).resolve().parents[2] / "examples" / "astronaut.jpg"

FACES = [Face(Box(10, 20, 40, 60), "stub", 1.0), Face(Box(80, 20, 10, 10), "stub", 2.0)]


class StubDetector:
    def __init__(self, faces):
        self.faces = faces

    def detect(self, image_bgr):
        return self.faces


class StubClassifier:
    def __init__(self, labels, probabilities, margin=0.0):
        self.metadata = METADATA.replaced(labels=tuple(labels), crop_margin=margin)
        self.prediction = Prediction(dict(zip(labels, probabilities, strict=True)))

    def classify(self, crops):
        self.crops = crops
        return [self.prediction for _ in crops]


IMAGE = np.zeros((100, 100, 3), np.uint8)


def test_no_face():
    classifier = StubClassifier(EMOTIONS_8, [1 / 8] * 8)
    assert EmotionRecognizer(StubDetector([]), classifier).recognize(IMAGE) == []


@pytest.mark.parametrize(
    ("labels", "probabilities", "classes", "expected"),
    [
        (EMOTIONS_8, [0.1] * 6 + [0.2, 0.2], 7, [0.125] * 6 + [0.25]),
        (EMOTIONS_8, [0.1] * 6 + [0.2, 0.2], 8, [0.1] * 6 + [0.2, 0.2]),
        (EMOTIONS_8[::-1], [0.5, *[0.5 / 7] * 7], 7, [1 / 7] * 7),  # the model's own order
        (EMOTIONS_8, [0.0] * 7 + [1.0], 7, [1 / 7] * 7),  # only contempt
        (EMOTIONS_7, [0.4, *[0.1] * 6], 7, [0.4, *[0.1] * 6]),
        (("contempt", "other"), [0.9, 0.1], 7, [0.9, 0.1]),
        (("contempt", "other"), [0.9, 0.1], 8, [0.9, 0.1]),
    ],
)
def test_classes(labels, probabilities, classes, expected):
    recognizer = EmotionRecognizer(
        StubDetector(FACES), StubClassifier(labels, probabilities), classes
    )
    faces = recognizer.recognize(IMAGE)
    assert [face.face for face in faces] == FACES
    for face in faces:
        assert tuple(face.prediction.probabilities) == recognizer.labels
        assert list(face.prediction.probabilities.values()) == pytest.approx(expected)
        assert sum(face.prediction.probabilities.values()) == pytest.approx(1)
    if len(expected) == 7:
        assert recognizer.labels == tuple(name for name in labels if name != "contempt")


@pytest.mark.parametrize(("labels", "classes"), [(EMOTIONS_7, 8), (EMOTIONS_8, 6)])
def test_unavailable_classes(labels, classes):
    classifier = StubClassifier(labels, [1 / len(labels)] * len(labels))
    with pytest.raises(ConfigError):
        EmotionRecognizer(StubDetector([]), classifier, classes)


def test_crops_have_the_margin_of_the_model():
    classifier = StubClassifier(EMOTIONS_7, [1 / 7] * 7, margin=0.3)
    EmotionRecognizer(StubDetector(FACES), classifier).recognize(IMAGE)
    assert [crop.shape for crop in classifier.crops] == [(96, 64, 3), (16, 16, 3)]


def test_a_whole_image_is_cropped_without_a_margin():
    classifier = StubClassifier(EMOTIONS_7, [1 / 7] * 7, margin=-0.2)
    EmotionRecognizer(WholeImage(), classifier).recognize(IMAGE)
    assert [crop.shape for crop in classifier.crops] == [(100, 100, 3)]


@pytest.mark.parametrize(("least", "uncertain"), [(0.0, False), (0.5, False), (0.51, True)])
def test_uncertain_predictions(least, uncertain):
    classifier = StubClassifier(("happy", "sad"), [0.5, 0.5])
    recognizer = EmotionRecognizer(StubDetector(FACES), classifier, min_confidence=least)
    assert [face.prediction.uncertain for face in recognizer.recognize(IMAGE)] == [uncertain] * 2
    assert recognizer.recognize(IMAGE)[0].prediction.emotion == "happy"


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan")])
def test_a_confidence_out_of_range(least):
    classifier = StubClassifier(("happy", "sad"), [0.5, 0.5])
    with pytest.raises(ConfigError, match="0 to 1"):
        EmotionRecognizer(StubDetector([]), classifier, min_confidence=least)


def test_another_detector_shares_the_model():
    classifier = StubClassifier(EMOTIONS_8, [1 / 8] * 8)
    recognizer = EmotionRecognizer(StubDetector([]), classifier, min_confidence=0.5)
    other = recognizer.with_detector(StubDetector(FACES))
    assert [recognition.face for recognition in other.recognize(IMAGE)] == FACES
    assert other.recognize(IMAGE)[0].prediction.uncertain
    assert recognizer.recognize(IMAGE) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, [{}, {"search_side": 640}]), (StubDetector([]), [])],
)
def test_only_the_default_detector_changes_for_videos(monkeypatch, given, expected):
    made = []

    class Recorded(StubDetector):
        def __init__(self, model, **options):
            made.append(options)
            super().__init__([])

    monkeypatch.setattr(yunet, "YuNetDetector", Recorded)
    recognizer = EmotionRecognizer(given, StubClassifier(EMOTIONS_8, [1 / 8] * 8))
    frames = [Frame(IMAGE, (100, 100), number, number / 10) for number in range(3)]
    assert len(list(recognizer.stream(frames))) == 3
    assert made == expected


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (None, TypeError),
        ("photo.jpg", TypeError),
        ([[[1, 2, 3]]], TypeError),
        (np.full((40, 40, 3), 0.5), ValueError),
        (np.full((40, 40, 3), 500, np.uint16), ValueError),
        (np.zeros((2, 40, 40, 3), np.uint8), ValueError),
        (np.zeros((40, 40, 4), np.uint8), ValueError),
        (np.zeros((40, 40), np.uint8), ValueError),
        (np.zeros((0, 40, 3), np.uint8), ValueError),
    ],
)
@pytest.mark.parametrize("detector", DETECTORS)
def test_other_inputs_are_refused_by_every_entry(image, error, detector):
    recognizer = EmotionRecognizer(make_detector(detector))
    with pytest.raises(error, match="received"):
        recognizer.recognize(image)
    with pytest.raises(error, match="received"):
        recognizer.recognize_frame(Frame(image, (40, 40)))
    with pytest.raises(error, match="received"):
        recognizer.detect(Frame(image, (40, 40)))
    with pytest.raises(error, match="received"):
        make_detector(detector).detect(image)
    with pytest.raises(TypeError, match="needs a Frame; received"):
        recognizer.detect(image)
    if getattr(image, "shape", None) != (40, 40):
        with pytest.raises(error, match="received"):
            recognizer.classify([image])


@pytest.mark.parametrize("video", [None, 2.5, b"clip.mp4", np.zeros((3, 40, 40, 3), np.uint8)])
def test_other_videos_are_refused(video):
    with pytest.raises(TypeError, match=r"stream needs a path, .*; received"):
        next(EmotionRecognizer().stream(video))


@pytest.mark.parametrize("detector", [None, "haar", "none"])
def test_a_recognizer_is_sent_to_a_process(tmp_path, monkeypatch, detector):
    """The working folder of the process is another one."""
    monkeypatch.chdir(tmp_path)
    model = write_tiny_model(tmp_path / "tiny.onnx")
    classifier = EmotionClassifier(model.name, prior="natural")
    image = read_bgr(PHOTO)
    recognizer = EmotionRecognizer(
        make_detector(detector) if detector else None, classifier, classes=8, min_confidence=0.5
    )
    expected = recognizer.recognize(image)
    assert expected
    monkeypatch.chdir("/")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        assert pool.submit(recognizer.recognize, image).result() == expected
    copied = pickle.loads(pickle.dumps(recognizer.for_videos()))
    assert copied.labels == recognizer.labels
    assert copied.recognize(image) == recognizer.for_videos().recognize(image)


def test_a_haar_detector_with_a_file_is_pickled(tmp_path, monkeypatch):
    cascade = tmp_path / "own.xml"
    cascade.write_text((folder("cascades") / "haarcascade_frontalface_alt2.xml").read_text())
    monkeypatch.chdir(tmp_path)
    detector = make_detector("haar", cascade="own.xml", profile=True)
    monkeypatch.chdir("/")
    image = read_bgr(PHOTO)
    assert pickle.loads(pickle.dumps(detector)).detect(image) == detector.detect(image) != []


def test_device_and_flip_are_those_of_the_shipped_model(tmp_path, monkeypatch):
    path = write_tiny_model(tmp_path / "tiny.onnx")
    monkeypatch.setattr("emorec.resources.shipped_model", lambda: path)
    recognizer = EmotionRecognizer(StubDetector([]), device="cpu", flip=True)
    assert (recognizer.classifier.device, recognizer.classifier.flip) == ("cpu", True)
    with pytest.raises(ConfigError, match="unknown device 'gpu'"):
        EmotionRecognizer(StubDetector([]), device="gpu")


@pytest.mark.parametrize("option", [{"device": "cpu"}, {"flip": True}])
def test_device_and_flip_are_not_passed_beside_a_classifier(option):
    classifier = StubClassifier(EMOTIONS_8, [1 / 8] * 8)
    with pytest.raises(ConfigError, match="pass device and flip to the classifier"):
        EmotionRecognizer(StubDetector([]), classifier, **option)
