"""Several processes yield the results of one."""

from pathlib import Path

import numpy as np
import pytest
from helpers.onnx_models import write_tiny_model
from helpers.stub_detectors import BrightDetector

from emorec.batch.detect_job import DetectJob, RecognizerSettings
from emorec.batch.image_work import process_serially
from emorec.batch.processes import process_in_workers
from emorec.errors import ModelError
from emorec.images import write_image
from emorec.media.sources import expand
from emorec.outputs.marked_images import MarkedImages


def gray_images(folder: Path, values: list[int]) -> Path:
    folder.mkdir()
    for number, value in enumerate(values):
        write_image(folder / f"{number:03}.png", np.full((40, 40, 3), value, np.uint8))
    return folder


@pytest.mark.slow
def test_the_same_as_one_process(tmp_path: Path):
    folder = gray_images(tmp_path / "in", list(range(50)))
    (folder / "007.png").write_bytes(b"broken")
    recognition = RecognizerSettings(BrightDetector, write_tiny_model(tmp_path / "tiny.onnx"))
    sources = list(expand([str(folder)]))
    expected = list(process_serially(DetectJob(recognition).work(), sources))
    job = DetectJob(recognition, [MarkedImages(tmp_path / "out")])
    done = list(process_in_workers(job, sources, 2))
    assert [one.record for one in done] == [one.record for one in expected]
    assert len(list((tmp_path / "out").iterdir())) == 49


@pytest.mark.slow
def test_an_image_that_kills_its_process_affects_no_other(tmp_path: Path):
    folder = gray_images(tmp_path / "in", [1, 2, 255, 3, 255, *[2] * 20])
    job = DetectJob(RecognizerSettings(BrightDetector, write_tiny_model(tmp_path / "tiny.onnx")))
    done = list(process_in_workers(job, expand([str(folder)]), 2))
    statuses = [one.record["status"] for one in done]
    assert statuses == ["ok", "ok", "unreadable", "ok", "unreadable", *["ok"] * 20]
    assert "was killed" in done[2].problems[0]
    assert done[2].record["error"] == done[2].problems[0]


@pytest.mark.slow
def test_a_missing_model(tmp_path: Path):
    folder = gray_images(tmp_path / "in", [1])
    job = DetectJob(RecognizerSettings(BrightDetector, tmp_path / "none.onnx"))
    with pytest.raises(ModelError, match="no such model file"):
        list(process_in_workers(job, expand([str(folder)]), 1))
