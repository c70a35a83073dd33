import pickle
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from helpers.onnx_models import METADATA, write_tiny_model
from helpers.stub_detectors import BrightDetector

from emorec.batch.detect_job import DetectJob, RecognizerSettings
from emorec.detection.haar import HaarDetector
from emorec.errors import ConfigError, ModelError
from emorec.labels import EMOTIONS_7, EMOTIONS_8
from emorec.outputs.marked_images import FaceCrops, MarkedImages
from emorec.types import Box


def test_a_job_can_be_sent_to_a_process(tmp_path: Path):
    settings = RecognizerSettings(
        partial(HaarDetector, "alt2"), tmp_path / "a.onnx", roi=Box(1, 2, 3, 4)
    )
    job = DetectJob(settings, [MarkedImages(tmp_path), FaceCrops(tmp_path, 0.1)], 640)
    copy = pickle.loads(pickle.dumps(job))
    assert (copy.outputs, copy.max_side, copy.recognition.roi) == (job.outputs, 640, settings.roi)


@pytest.mark.parametrize(("classes", "labels"), [(7, EMOTIONS_7), (8, EMOTIONS_8)])
def test_the_settings_reach_the_recognizer(tmp_path: Path, classes: int, labels):
    metadata = METADATA.replaced(prior=(0.125,) * 8)
    model = write_tiny_model(tmp_path / "tiny.onnx", metadata)
    recognizer = RecognizerSettings(
        BrightDetector,
        model,
        0.5,
        classes,
        Box(10, 0, 20, 20),
        min_confidence=1.0,
        device="cpu",
        flip=True,
    ).open()
    assert recognizer.labels == labels
    assert recognizer.classifier.tau == 0.5
    assert recognizer.classifier.flip
    (face,) = recognizer.recognize(np.full((40, 40, 3), 1, np.uint8))
    assert face.face.box == Box(10, 0, 20, 20)
    assert face.prediction.uncertain


def test_a_missing_model(tmp_path: Path):
    with pytest.raises(ModelError, match="no such model file"):
        DetectJob(RecognizerSettings(BrightDetector, tmp_path / "none.onnx")).work()


def test_a_loaded_recognizer_is_used(tmp_path: Path):
    settings = RecognizerSettings(BrightDetector, write_tiny_model(tmp_path / "tiny.onnx"))
    recognizer = settings.open()
    (tmp_path / "tiny.onnx").unlink()
    assert DetectJob(settings).work(recognizer).classify([]) == []


def test_the_device_reaches_the_classifier_of_another_process(tmp_path: Path):
    model = write_tiny_model(tmp_path / "tiny.onnx")
    settings = RecognizerSettings(BrightDetector, model, device="gpu")
    with pytest.raises(ConfigError, match="unknown device 'gpu'"):
        pickle.loads(pickle.dumps(DetectJob(settings))).work()
