"""Images processed at the same time yield the results of one after another, in order."""

import random
import threading
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from helpers.onnx_models import METADATA

from emorec.batch import threaded
from emorec.batch.image_work import ImageWork, process_serially
from emorec.batch.threaded import process_threaded
from emorec.errors import ModelError
from emorec.images import write_image
from emorec.inference.recognizer import EmotionRecognizer
from emorec.labels import EMOTIONS_8
from emorec.media.sources import expand
from emorec.outputs.marked_images import FaceCrops, MarkedImages
from emorec.types import Box, Face, Prediction


class Detector:
    """Detects as many faces as the image's grey value says, after a random time."""

    def __init__(self):
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    def detect(self, image_bgr):
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(random.random() / 200)
        with self._lock:
            self.at_once -= 1
        return [Face(Box(i, 0, 10, 10), "stub", 1.0) for i in range(image_bgr[0, 0, 0] % 4)]


class Classifier:
    """Returns the brightness of a crop, and records the size of each batch."""

    metadata = METADATA

    def __init__(self):
        self.batches = []

    def classify(self, crops):
        self.batches.append(len(crops))
        rest = [0.001] * (len(EMOTIONS_8) - 1)
        return [
            Prediction(dict(zip(EMOTIONS_8, [float(crop.mean()), *rest], strict=True)))
            for crop in crops
        ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(40):
        path = tmp_path / "in" / f"{number:03}.png"
        path.parent.mkdir(exist_ok=True)
        if number % 7 == 3:
            path.write_bytes(b"broken")
        else:
            write_image(path, np.full((30, 20, 3), number, np.uint8))
    return tmp_path / "in"


def work(*outputs) -> ImageWork:
    return ImageWork(EmotionRecognizer(Detector(), Classifier(), classes=8), outputs)


def test_no_sources():
    assert list(process_threaded(work(), [])) == []


@pytest.mark.parametrize("threads", [None, 1, 2, 7])
def test_the_results_of_serial_processing(folder: Path, threads):
    expected = list(process_serially(work(), expand([str(folder)])))
    assert list(process_threaded(work(), expand([str(folder)]), threads)) == expected
    assert [done.record["status"] for done in expected].count("unreadable") == 6


def test_images_overlap_and_faces_share_batches(folder: Path):
    detector, classifier = Detector(), Classifier()
    recognizer = EmotionRecognizer(detector, classifier, classes=8)
    done = list(process_threaded(ImageWork(recognizer), expand([str(folder)]), 4))
    assert detector.most_at_once > 1
    faces = sum(len(one.record["faces"]) for one in done)
    assert sum(classifier.batches) == faces
    assert len(classifier.batches) < len(done)


def test_outputs(folder: Path, tmp_path: Path):
    outputs = (MarkedImages(tmp_path / "marked"), FaceCrops(tmp_path / "crops", 0.1))
    done = list(process_threaded(work(*outputs), expand([str(folder)]), 3))
    written = [path for one in done for path in one.written]
    assert len(written) == len(set(written)) == 34 + sum(len(o.record["faces"]) for o in done)
    assert all(Path(path).is_file() for path in written)


def test_an_output_that_fails_is_reported_with_its_image(folder: Path, tmp_path: Path):
    (tmp_path / "marked" / "005-emotions.jpg").mkdir(parents=True)
    done = list(process_threaded(work(MarkedImages(tmp_path / "marked")), expand([str(folder)]), 3))
    failed = [one for one in done if one.problems and one.record["status"] != "unreadable"]
    assert [Path(one.record["source"]).name for one in failed] == ["005.png"]
    assert "005-emotions.jpg: cannot write" in failed[0].problems[0]


def test_sources_are_consumed_as_needed(folder: Path):
    taken = []

    def sources():
        for source in expand([str(folder)]):
            taken.append(source)
            yield source

    results = process_threaded(work(), sources(), 2)
    assert len(list(islice(results, 5))) == 5
    assert len(taken) < 20
    results.close()
    assert threading.active_count() < 10


def test_the_images_in_memory_are_bounded(folder: Path, monkeypatch):
    monkeypatch.setattr(threaded, "MAX_PIXELS", 2 * 600)
    held = []
    worked = work()
    finish = worked.finish
    prepare = worked.prepare
    lock = threading.Lock()
    alive = [0]

    def counting_prepare(source):
        prepared = prepare(source)
        with lock:
            alive[0] += bool(prepared.frames)
            held.append(alive[0])
        return prepared

    def counting_finish(prepared, predictions):
        with lock:
            alive[0] -= bool(prepared.frames)
        return finish(prepared, predictions)

    monkeypatch.setattr(worked, "prepare", counting_prepare)
    monkeypatch.setattr(worked, "finish", counting_finish)
    assert len(list(process_threaded(worked, expand([str(folder)]), 4))) == 40
    assert max(held) <= 2 + 4 + 1


def test_a_model_that_fails_ends_the_run(folder: Path, monkeypatch):
    worked = work()

    def fail(crops):
        raise ModelError("the model failed")

    monkeypatch.setattr(worked, "classify", fail)
    with pytest.raises(ModelError):
        list(process_threaded(worked, expand([str(folder)]), 3))


def test_ctrl_c_waits_for_running_threads(folder: Path):
    results = process_threaded(work(), expand([str(folder)]), 3)
    next(results)
    with pytest.raises(KeyboardInterrupt):
        results.throw(KeyboardInterrupt)
    assert not [t for t in threading.enumerate() if t.name.startswith("ThreadPool")]
