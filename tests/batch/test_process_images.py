"""However images are processed, the results are the same."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.onnx_models import write_tiny_model
from helpers.stub_detectors import BrightDetector

from emorec.batch import processes, threaded
from emorec.batch.detect_job import DetectJob, RecognizerSettings
from emorec.batch.image_work import process_serially
from emorec.batch.process_images import connected, process_images
from emorec.images import write_image
from emorec.media.sources import MediaSource, expand


@pytest.fixture
def job(tmp_path: Path) -> DetectJob:
    return DetectJob(RecognizerSettings(BrightDetector, write_tiny_model(tmp_path / "tiny.onnx")))


@pytest.fixture
def sources(tmp_path: Path) -> list[MediaSource]:
    for number in range(5):
        write_image(tmp_path / f"{number}.png", np.full((40, 40, 3), number, np.uint8))
    (tmp_path / "3.png").write_bytes(b"broken")
    return list(expand([str(tmp_path / f"{number}.png") for number in range(5)]))


@pytest.mark.parametrize("count", [0, 1, 5])
def test_threads_of_this_process(job: DetectJob, sources: list[MediaSource], count: int):
    expected = list(process_serially(job.work(), sources[:count]))
    assert list(process_images(job, sources[:count])) == expected
    assert list(process_images(job, sources[:count], job.recognition.open())) == expected


def test_one_image_takes_a_few_threads_of_opencv(job: DetectJob, sources: list[MediaSource]):
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(6)
        process_images(job, sources[:1])
        assert cv2.getNumThreads() == 4
        process_images(job, sources)
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(before)


def test_the_choice(job: DetectJob, sources: list[MediaSource], monkeypatch):
    calls = []
    monkeypatch.setattr(threaded, "process_threaded", lambda work, s: calls.append("threads"))
    monkeypatch.setattr(
        processes, "process_in_workers", lambda job, s, workers: calls.append(workers)
    )
    process_images(job, sources)
    process_images(job, sources, workers=3)
    process_images(job, sources[:1], workers=2)
    assert calls == ["threads", 3, 2]


@pytest.mark.slow
def test_processes(job: DetectJob, sources: list[MediaSource]):
    expected = list(process_serially(job.work(), sources))
    assert list(process_images(job, sources, workers=2)) == expected


def test_without_ray(job: DetectJob, sources: list[MediaSource], monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "emorec.batch.ray_cluster", raising=False)
    with connected(None):
        pass
    with pytest.raises(ModuleNotFoundError):
        connected("local")
    with pytest.raises(ModuleNotFoundError):
        process_images(job, sources, ray="local")
