"""A Ray cluster yields the results of one process."""

import os
from pathlib import Path

import numpy as np
import pytest
from helpers.onnx_models import write_tiny_model

from emorec.batch.detect_job import DetectJob, RecognizerSettings
from emorec.batch.image_work import process_serially
from emorec.detection.whole_image import WholeImage
from emorec.errors import ConfigError
from emorec.images import write_image
from emorec.media.sources import expand
from emorec.outputs.marked_images import FaceCrops

pytestmark = pytest.mark.slow


def test_a_local_cluster_of_two_workers(tmp_path: Path):
    from emorec.batch.ray_cluster import cluster, process_on_ray

    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(70):
        write_image(folder / f"{number:03}.png", np.full((40, 40, 3), number, np.uint8))
    (folder / "033.png").write_bytes(b"broken")
    (folder / os.fsdecode(b"\xff.png")).write_bytes((folder / "001.png").read_bytes())
    recognition = RecognizerSettings(WholeImage, write_tiny_model(tmp_path / "tiny.onnx"))
    sources = list(expand([str(folder)]))
    expected = list(process_serially(DetectJob(recognition).work(), sources))
    job = DetectJob(recognition, [FaceCrops(tmp_path / "crops", 0.1)])
    with cluster(workers=2):
        done = list(process_on_ray(job, sources))
    assert [one.record for one in done] == [one.record for one in expected]
    assert [one.problems for one in done] == [one.problems for one in expected]
    faces = sum(len(one.record["faces"]) for one in done)
    written = [path for one in done for path in one.written]
    assert len(written) == len(list((tmp_path / "crops").iterdir())) == faces == 70


def test_no_cluster_at_the_address():
    from emorec.batch.ray_cluster import cluster

    with pytest.raises(ConfigError, match="no Ray cluster at 'nowhere'"), cluster("nowhere"):
        pass
