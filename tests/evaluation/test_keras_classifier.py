from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from helpers.metadata_example import METADATA

from emorec.errors import ModelError
from emorec.evaluation.keras_classifier import KerasClassifier
from emorec.evaluation.open_model import open_model
from emorec.inference.recognizer import EmotionRecognizer
from emorec.modeling.build import build_classifier
from emorec.modeling.keras_files import save_model

pytestmark = pytest.mark.usefixtures("quick_network")

CROPS = list(np.random.default_rng(0).integers(0, 256, (3, 24, 24), np.uint8))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, quick_network: None) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.keras"
    save_model(build_classifier("compact", 7, 24), METADATA, path)
    return path


def test_predictions_are_those_of_the_model(path: Path) -> None:
    classifier, opened = KerasClassifier(path), open_model(path)
    assert (classifier.metadata, classifier.flip) == (METADATA, False)
    assert classifier.device == keras.backend.backend()
    inputs = np.stack(CROPS)[..., None]
    expected = opened.probabilities(inputs)
    np.testing.assert_allclose(classifier.probabilities(inputs), expected, atol=1e-6)
    found = [list(prediction.probabilities.values()) for prediction in classifier.classify(CROPS)]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    colored = [cv2.cvtColor(crop, cv2.COLOR_GRAY2BGR) for crop in CROPS]
    assert [p.emotion for p in classifier.classify(colored)] == [
        METADATA.labels[row.argmax()] for row in expected
    ]


def test_no_crops(path: Path) -> None:
    assert KerasClassifier(path).classify([]) == []


def test_a_recognizer_takes_it(path: Path) -> None:
    recognizer = EmotionRecognizer("whole-image", KerasClassifier(path))
    (face,) = recognizer.recognize(np.zeros((30, 40, 3), np.uint8))
    assert sum(face.probabilities.values()) == pytest.approx(1)
    assert recognizer.settings == {"detector": "none", "device": keras.backend.backend()}


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        KerasClassifier(tmp_path / "none.keras")
