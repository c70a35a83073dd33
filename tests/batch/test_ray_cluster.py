"""A Ray cluster yields the results of one process."""

import os
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers.onnx_models import write_tiny_model
from helpers.stub_detectors import BrightDetector

from emorec.batch.detect_job import DetectJob, RecognizerSettings
from emorec.batch.image_work import process_serially
from emorec.errors import ConfigError, EmorecError
from emorec.images import write_image
from emorec.media.sources import MediaSource, expand
from emorec.outputs.marked_images import FaceCrops
from emorec.outputs.records import ImageResult

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]
KILLER = 33
"""Number of the image that kills its process."""


def test_a_local_cluster_of_two_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One cluster for all of it, as a start takes seconds."""
    from emorec.batch.ray_cluster import cluster, process_on_ray

    monkeypatch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)  # of `stub_detectors`
    (tmp_path / "in").mkdir()
    for number in range(70):
        image = np.full((40, 40, 3), 255 if number == KILLER else number, np.uint8)
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
    killed, source = done.pop(KILLER), sources.pop(KILLER)
    assert killed.record["source"] == source.name
    assert killed.record["error"] == f"{source.name}: the process that decoded it was killed"
    expected = list(process_serially(DetectJob(recognition).work(), sources))
    assert [one.record for one in done] == [one.record for one in expected]
    assert [one.problems for one in done] == [one.problems for one in expected]
    faces = sum(len(one.record["faces"]) for one in done)
    written = [path for one in done for path in one.written]
    assert len(written) == len(list((tmp_path / "crops").iterdir())) == faces > 70


class FakeRay:
    """Runs tasks in this process, in random order; a source named "killer" kills its process."""

    def __init__(self, seed: int) -> None:
        import ray

        self.exceptions = ray.exceptions
        self._random = random.Random(seed)
        self._finished: set[int] = set()
        self.sent: list[list[str]] = []

    def put(self, value: object) -> object:
        return value

    def remote(self, **options: object) -> Callable[[object], Any]:
        return lambda function: SimpleNamespace(remote=self._start)

    def _start(self, name: str, folder: str, job: object, chunk: list[MediaSource]) -> int:
        self.sent.append([source.name for source in chunk])
        return len(self.sent) - 1

    def wait(self, tasks: list[int], num_returns: int = 1, timeout: float | None = None):
        if timeout is None:
            self._finished |= set(self._random.sample(tasks, self._random.randint(1, len(tasks))))
        rest = [task for task in tasks if task not in self._finished]
        return [task for task in tasks if task in self._finished], rest

    @property
    def unfinished(self) -> int:
        return len(self.sent) - len(self._finished)

    def get(self, task: int) -> list[ImageResult]:
        self._finished.add(task)
        if "killer" in self.sent[task]:
            raise self.exceptions.WorkerCrashedError
        return [ImageResult.unreadable(name, "x") for name in self.sent[task]]


@pytest.mark.parametrize("count", [0, 1, 16, 17, 1000])
@pytest.mark.parametrize("workers", [1, 3])
def test_order_and_number_of_tasks(monkeypatch: pytest.MonkeyPatch, count: int, workers: int):
    from emorec.batch import ray_cluster

    fake = FakeRay(seed=count)
    monkeypatch.setattr(ray_cluster, "ray", fake)
    names = [str(number) for number in range(count)]
    names[5:count:7] = ["killer"] * len(names[5:count:7])
    job = DetectJob(RecognizerSettings(BrightDetector, Path("none.onnx")))
    sources = [MediaSource(name, name) for name in names]
    yielded = []
    for result in ray_cluster.process_on_ray(job, sources, workers):
        yielded.append(result)
        assert fake.unfinished <= workers + 1  # the images of a chunk that was lost, one by one
        first_tries = sum(len(chunk) for chunk in fake.sent if len(chunk) > 1)
        assert first_tries - len(yielded) <= 16 * 8 * workers
    assert [result.record["source"] for result in yielded] == names
    killed = "killer: the process that decoded it was killed"
    problems = [killed if name == "killer" else "x" for name in names]
    assert [result.record["error"] for result in yielded] == problems


def test_no_cluster_at_the_address():
    from emorec.batch.ray_cluster import cluster

    with pytest.raises(ConfigError, match="no Ray cluster at 'nowhere'"), cluster("nowhere"):
        pass
