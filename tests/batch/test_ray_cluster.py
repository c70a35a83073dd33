"""A Ray cluster yields the results of one process."""

import os
from pathlib import Path

import numpy as np
import pytest
from helpers.onnx_models import write_tiny_model
from helpers.stub_detectors import BrightDetector

from emorec.batch.detect_job import DetectJob, RecognizerSettings
from emorec.batch.image_work import process_serially
from emorec.errors import ConfigError, EmorecError
from emorec.images import write_image
from emorec.media.sources import expand
from emorec.outputs.marked_images import FaceCrops

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]
KILLERS = (33, 34, 69)
"""Images that kill their process."""


def test_a_local_cluster_of_two_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One cluster for all of it, as a start takes seconds."""
    from emorec.batch.ray_cluster import cluster, process_on_ray

    monkeypatch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)  # of `stub_detectors`
    (tmp_path / "in").mkdir()
    for number in range(70):
        image = np.full((40, 40, 3), 255 if number in KILLERS else number, np.uint8)
        write_image(tmp_path / "in" / f"{number:03}.png", image)
    (tmp_path / "in" / "035.png").write_bytes(b"broken")
    (tmp_path / "in" / os.fsdecode(b"\xff.png")).hardlink_to(tmp_path / "in" / "001.png")
    write_tiny_model(tmp_path / "tiny.onnx")
    recognition = RecognizerSettings(BrightDetector, Path("tiny.onnx"))
    with cluster(workers=2):
        monkeypatch.chdir(tmp_path)  # the processes of the cluster have another current folder
        sources = list(expand(["in"]))
        assert list(process_on_ray(DetectJob(recognition), [])) == []
        job = DetectJob(recognition, [FaceCrops(Path("crops"), 0.1)])
        done = list(process_on_ray(job, sources))
        missing = DetectJob(RecognizerSettings(BrightDetector, Path("none.onnx")))
        with pytest.raises(EmorecError, match=r"a Ray worker failed: none.onnx: no such model"):
            list(process_on_ray(missing, sources, workers=1))
    killed = [done.pop(number) for number in reversed(KILLERS)]
    assert all("was killed" in one.record["error"] for one in killed)
    assert [one.record["source"] for one in reversed(killed)] == [
        sources.pop(number).name for number in reversed(KILLERS)
    ][::-1]
    expected = list(process_serially(DetectJob(recognition).work(), sources))
    assert [one.record for one in done] == [one.record for one in expected]
    assert [one.problems for one in done] == [one.problems for one in expected]
    faces = sum(len(one.record["faces"]) for one in done)
    written = [path for one in done for path in one.written]
    assert len(written) == len(list((tmp_path / "crops").iterdir())) == faces > 70


def test_no_cluster_at_the_address():
    from emorec.batch.ray_cluster import cluster

    with pytest.raises(ConfigError, match="no Ray cluster at 'nowhere'"), cluster("nowhere"):
        pass
