import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from helpers.onnx_models import METADATA, write_tiny_model

from emorec.detection import yunet
from emorec.detection.haar import HaarDetector
from emorec.detection.registry import DETECTORS, make_detector
from emorec.detection.whole_image import WholeImage
from emorec.detection.yunet import YuNetDetector
from emorec.errors import ConfigError
from emorec.frames import Frame
from emorec.images import read_bgr
from emorec.inference.classifier import EmotionClassifier
from emorec.inference.recognizer import EmotionRecognizer
from emorec.labels import EMOTIONS_7, EMOTIONS_8
from emorec.resources import folder
from emorec.types import Box, Face, Landmarks, Prediction

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


TILTED = Landmarks((30.0, 30.0), (30.0, 50.0), (20.0, 40.0), (10.0, 32.0), (10.0, 48.0))
"""A face that is rotated clockwise by 90 degrees."""


@pytest.mark.parametrize(
    ("align", "default", "aligned"),
    [
        ("off", True, False),
        ("on", False, True),
        ("auto", False, False),
        ("auto", True, True),
    ],
)
def test_alignment(align, default, aligned):
    image = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    faces = [Face(Box(10, 20, 40, 40), "stub", 1.0, TILTED), Face(Box(10, 20, 40, 40), "stub", 1.0)]
    classifier = StubClassifier(EMOTIONS_7, [1 / 7] * 7)
    classifier.metadata = classifier.metadata.replaced(align=default)
    recognizer = EmotionRecognizer(StubDetector(faces), classifier, align=align)
    assert recognizer.aligned == aligned
    recognizer.recognize(image)
    plain = image[20:60, 10:50]
    tilted, without_landmarks = classifier.crops
    np.testing.assert_array_equal(without_landmarks, plain)
    np.testing.assert_array_equal(tilted, np.rot90(plain) if aligned else plain)


@pytest.mark.parametrize("align", ["", "yes", True, None])
def test_an_unknown_alignment(align):
    classifier = StubClassifier(EMOTIONS_7, [1 / 7] * 7)
    with pytest.raises(ConfigError, match="align must be one of auto, off, on; received"):
        EmotionRecognizer(StubDetector([]), classifier, align=align)


def test_landmarks_are_in_pixels_of_the_full_image():
    classifier = StubClassifier(EMOTIONS_7, [1 / 7] * 7)
    detector = StubDetector([Face(Box(10, 20, 40, 40), "stub", 1.0, TILTED)])
    recognizer = EmotionRecognizer(detector, classifier, roi=Box(40, 20, 100, 100))
    (face,) = recognizer.detect(Frame(IMAGE, (200, 400)))
    assert face.box == Box(60, 100, 80, 160)
    assert face.landmarks == TILTED.mapped(2, 4, 40, 20)


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


def test_settings_name_the_detector_and_the_device():
    recognizer = EmotionRecognizer(device="cpu")
    assert recognizer.settings == {"detector": "yunet", "device": "cpu"}
    other = recognizer.with_detector(WholeImage())
    assert other.settings == {"detector": "none", "device": "cpu"}


def test_another_detector_shares_the_model():
    classifier = StubClassifier(EMOTIONS_8, [1 / 8] * 8)
    recognizer = EmotionRecognizer(StubDetector([]), classifier, min_confidence=0.5)
    other = recognizer.with_detector(StubDetector(FACES))
    assert [recognition.face for recognition in other.recognize(IMAGE)] == FACES
    assert other.recognize(IMAGE)[0].prediction.uncertain
    assert recognizer.recognize(IMAGE) == []
    assert len(other.with_detector("whole-image").recognize(IMAGE)) == 1


@pytest.mark.parametrize(
    ("name", "kind"),
    [(None, YuNetDetector), ("yunet", YuNetDetector), ("haar", HaarDetector), ("none", WholeImage)],
)
def test_a_detector_by_its_name(name, kind):
    recognizer = EmotionRecognizer(name, StubClassifier(EMOTIONS_8, [1 / 8] * 8))
    assert type(recognizer._detector) is kind
    assert type(recognizer.for_videos()._detector) is kind


@pytest.mark.parametrize(
    ("detector", "error", "message"),
    [
        ("mtcnn", ConfigError, "unknown detector 'mtcnn'; the detectors are: yunet, haar, none"),
        ("", ConfigError, "unknown detector ''"),
        (str(PHOTO), ConfigError, f"not the name of a detector; pass a model as model='{PHOTO}'"),
        (3, TypeError, "an object with a method detect; received 3"),
        (Box(0, 0, 1, 1), TypeError, "detector must be one of yunet, haar, none, or an object"),
    ],
)
def test_other_detectors_are_refused(detector, error, message):
    with pytest.raises(error, match=message):
        EmotionRecognizer(detector, StubClassifier(EMOTIONS_8, [1 / 8] * 8))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, [{}, {"search_side": 640}]),
        ("yunet", [{}, {"search_side": 640}]),
        (StubDetector([]), []),
    ],
)
def test_only_a_detector_object_stays_for_videos(monkeypatch, given, expected):
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
        ([[[1, 2, 3]]], TypeError),
        ([np.zeros((40, 40, 3), np.uint8)], TypeError),
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


@pytest.mark.parametrize("path", [PHOTO, str(PHOTO)])
def test_an_image_file_is_read(path):
    recognizer = EmotionRecognizer(StubDetector(FACES), StubClassifier(EMOTIONS_7, [1 / 7] * 7))
    assert [found.face for found in recognizer.recognize(path)] == FACES


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


@pytest.mark.parametrize("named", ["a/tiny.onnx", "a/run", "a/ru", "emorec-nano"])
@pytest.mark.parametrize("kind", [str, Path])
def test_a_model_by_its_name(tmp_path, monkeypatch, named, kind):
    monkeypatch.chdir(tmp_path)
    Path("a/run").mkdir(parents=True)
    for path in ("a/tiny.onnx", "a/run/model.onnx"):
        write_tiny_model(Path(path))
    recognizer = EmotionRecognizer(
        StubDetector(FACES), model=kind(named), device="cpu", flip=True, prior="natural", classes=8
    )
    assert recognizer.metadata.name == ("emorec-nano" if "nano" in named else "tiny")
    assert recognizer.labels == EMOTIONS_8
    assert (recognizer.classifier.device, recognizer.classifier.tau) == ("cpu", 0)
    assert len(recognizer.recognize(IMAGE)) == 2


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"device": "cpu"}, "pass device, flip and prior to the classifier"),
        ({"flip": True}, "pass device, flip and prior to the classifier"),
        ({"prior": "natural"}, "pass device, flip and prior to the classifier"),
        ({"model": "emorec-nano"}, "pass either model or classifier"),
    ],
)
def test_what_is_not_passed_beside_a_classifier(option, message):
    classifier = StubClassifier(EMOTIONS_8, [1 / 8] * 8)
    with pytest.raises(ConfigError, match=message):
        EmotionRecognizer(StubDetector([]), classifier, **option)
