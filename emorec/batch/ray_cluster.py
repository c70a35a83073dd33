"""Distributes images over the machines of a Ray cluster.

The images are sent as tasks of Ray, a few at a time, and not as one data set of Ray Data: the
results of a data set arrive only when whole blocks of it are done, its rows are held in memory, and
an image that kills its process is processed again without end.
"""

import logging
import os
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import cv2
import ray

from emorec.batch.detect_job import DetectJob
from emorec.batch.image_work import ImageWork, process_serially
from emorec.batch.processes import chunks_of
from emorec.errors import ConfigError, EmorecError
from emorec.media.sources import MediaSource
from emorec.outputs.records import ImageResult

LOCAL = "local"

_RETRIES = 1
"""How often Ray repeats a task whose process or machine died."""

_WINDOW = 8
"""Tasks per process that are finished or running and whose results are not yielded yet, at most."""

_LOST = (
    ray.exceptions.WorkerCrashedError,
    ray.exceptions.OutOfMemoryError,
    ray.exceptions.NodeDiedError,
    ray.exceptions.ObjectLostError,
)
"""Errors of a task whose process or machine died."""


@contextmanager
def cluster(address: str = LOCAL, workers: int | None = None) -> Iterator[None]:
    """Connect to a Ray cluster for the duration of a `with` block.

    Args:
        address: Address of the cluster, e.g. "10.0.0.1:6379", or "auto"; "local" starts a cluster
            on this machine and stops it after the block.
        workers: Number of processors of a local cluster; None uses all of this machine.

    Raises:
        ConfigError: There is no cluster at the address.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if address == LOCAL:
            ray.init(address=LOCAL, num_cpus=workers, include_dashboard=False, **quiet)
        else:
            ray.init(address=address, **quiet)
    except Exception as error:  # a node that starts slowly raises no narrower type
        reason = " ".join(str(error).split())
        raise ConfigError(f"no Ray cluster at {address!r}: {reason}") from error
    try:
        yield
    finally:
        ray.shutdown()


def process_on_ray(
    job: DetectJob, sources: Sequence[MediaSource], workers: int | None = None
) -> Generator[ImageResult]:
    """Process sources on the connected cluster; the results come in the order of the sources.

    An image that kills its process costs only its own result. What a dead machine was processing is
    processed by another one.

    Args:
        job: The work on each. Its files, the images and the folders of its outputs must have the
            same paths on every machine; relative ones begin at the current folder of this process.
        sources: The sources; standard input is not supported.
        workers: Number of processes; None uses one for each processor of the cluster.

    Raises:
        EmorecError: A worker failed, or the cluster is gone.
    """
    try:
        yield from _Tasks(job, workers or _processors()).results(sources)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        reason = " ".join(str(cause or error).split())
        raise EmorecError(f"a Ray worker failed: {reason[-500:]}") from error


def _processors() -> int:
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return max(int(resources.get("CPU", 1)), 1)


class _Tasks:
    """Tasks that process sources.

    Args:
        job: The work on each source.
        workers: Number of tasks that run at a time.
    """

    def __init__(self, job: DetectJob, workers: int) -> None:
        self._workers = workers
        # The name tells a process of Ray, which runs many tasks, that it has loaded the model.
        self._arguments = (uuid4().hex, str(Path.cwd()), ray.put(job))
        self._process: Any = ray.remote(num_cpus=1, max_retries=_RETRIES)(_process)

    def results(self, sources: Sequence[MediaSource]) -> Iterator[ImageResult]:
        """Yield the results, in order."""
        chunks = chunks_of(sources)
        pending: deque[tuple[list[MediaSource], Any]] = deque()
        unfinished: list[Any] = []
        while True:
            while len(unfinished) < self._workers and len(pending) < _WINDOW * self._workers:
                chunk = next(chunks, None)
                if chunk is None:
                    break
                unfinished.append(self._start(chunk))
                pending.append((chunk, unfinished[-1]))
            if not pending:
                return
            if unfinished:
                ray.wait(unfinished)  # for one; others may be finished too
                _, unfinished = ray.wait(unfinished, num_returns=len(unfinished), timeout=0)
            while pending and pending[0][1] not in unfinished:
                chunk, task = pending.popleft()
                try:
                    yield from ray.get(task)
                except _LOST:
                    yield from self._one_by_one(chunk)

    def _start(self, chunk: Sequence[MediaSource]) -> Any:
        return self._process.remote(*self._arguments, chunk)

    def _one_by_one(self, chunk: Sequence[MediaSource]) -> Iterator[ImageResult]:
        """Process sources of which one may kill its process."""
        for source in chunk:
            try:
                yield from ray.get(self._start([source]))
            except _LOST:
                problem = f"{source.name}: the process that decoded it was killed"
                yield ImageResult.unreadable(source.name, problem)


_loaded: tuple[str, ImageWork] | None = None
"""Name and work of the job of this process."""


def _process(
    name: str, folder: str, job: DetectJob, sources: Sequence[MediaSource]
) -> list[ImageResult]:
    """Process sources in a process of the cluster, which loads the model once.

    Args:
        name: Name of the job.
        folder: Current folder of the process that sends the tasks; relative paths begin there.
        job: The work on each source.
        sources: The sources.
    """
    global _loaded
    if _loaded is None or _loaded[0] != name:
        # Where it is missing, absolute paths may still exist; reading reports the others.
        with suppress(OSError):
            os.chdir(folder)
        cv2.setNumThreads(1)
        _loaded = (name, job.work())
    return list(process_serially(_loaded[1], sources))
