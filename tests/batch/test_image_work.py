from pathlib import Path

import numpy as np
import pytest
from helpers.onnx_models import write_tiny_model
from helpers.stub_detectors import BrightDetector

from emorec.batch import image_work
from emorec.batch.image_work import ImageWork, classify_batch, process_serially
from emorec.images import write_image
from emorec.inference.classifier import EmotionClassifier
from emorec.inference.recognizer import EmotionRecognizer
from emorec.media.sources import MediaSource
from emorec.outputs.marked_images import FaceCrops


@pytest.fixture
def work(tmp_path: Path) -> ImageWork:
    classifier = EmotionClassifier(write_tiny_model(tmp_path / "tiny.onnx"))
    recognizer = EmotionRecognizer(BrightDetector(), classifier)
    return ImageWork(recognizer, [FaceCrops(tmp_path / "crops", 0.0)])


def image(folder: Path, faces: int) -> MediaSource:
    path = folder / f"{faces}.png"
    write_image(path, np.full((40, 60, 3), faces, np.uint8))
    return MediaSource(str(path), path.stem)


def test_the_steps_of_one_source(work: ImageWork, tmp_path: Path):
    decoded = work.prepare(image(tmp_path, 3))
    assert (len(decoded.crops), decoded.pixels, decoded.problem) == (3, 40 * 60, None)
    (result,) = work.finish(decoded, work.classify(decoded.crops))
    assert [face["box"] for face in result.record["faces"]] == [[i, i, 20, 20] for i in range(3)]
    assert result.written == tuple(str(tmp_path / "crops" / f"3-face{n}.png") for n in (1, 2, 3))


def test_an_unreadable_source(work: ImageWork):
    decoded = work.prepare(MediaSource("none.png", "none"))
    assert (decoded.frames, decoded.crops, decoded.pixels) == ((), (), 0)
    (result,) = work.finish(decoded, [])
    assert result.problems == ("none.png: no such file",)
    assert (result.record["status"], result.record["error"]) == ("unreadable", result.problems[0])


def test_predictions_return_to_their_sources(work: ImageWork, tmp_path: Path):
    batch = [work.prepare(image(tmp_path, faces)) for faces in (2, 0, 3)]
    assert [len(predictions) for _, predictions in classify_batch(work, batch)] == [2, 0, 3]
    assert list(classify_batch(work, [])) == []


@pytest.mark.parametrize(("batch_pixels", "batches"), [(1, [3, 0, 2, 0]), (2**24, [5])])
def test_small_images_share_a_batch(
    work: ImageWork, tmp_path: Path, monkeypatch, batch_pixels, batches
):
    monkeypatch.setattr(image_work, "_BATCH_PIXELS", batch_pixels)
    classified = []
    classify = work.classify
    monkeypatch.setattr(
        work, "classify", lambda crops: classified.append(len(crops)) or classify(crops)
    )
    sources = [image(tmp_path, faces) for faces in (3, 0, 2)]
    results = list(process_serially(work, sources))
    assert [len(result.record["faces"]) for result in results] == [3, 0, 2]
    assert classified == batches
