"""Distributes images over the machines of a Ray cluster, with Ray Data."""

import json
import logging
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from typing import Any, cast

import cv2
import ray

from emorec.batch.detect_job import DetectJob
from emorec.batch.image_work import process_serially
from emorec.errors import ConfigError, EmorecError
from emorec.media.sources import MediaSource
from emorec.outputs.records import ImageResult
from emorec.types import Undrawn

BATCH = 16
"""Sources sent to a worker together."""

LOCAL = "local"

_Batch = dict[str, Any]


class _Worker:
    """Processes images in a process of the cluster; the model is loaded once."""

    def __init__(self, job: DetectJob) -> None:
        cv2.setNumThreads(1)
        self._work = job.work()

    def __call__(self, batch: _Batch) -> _Batch:
        # ASCII text, as Arrow accepts no file names that are not UTF-8.
        sources = [MediaSource(*json.loads(text)) for text in batch["source"]]
        results = process_serially(self._work, sources)
        return {"result": [json.dumps(astuple(result)) for result in results]}


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

    Args:
        job: The work on each. Its files, the images and the folders of its outputs must have the
            same paths on every machine.
        sources: The sources; standard input is not supported.
        workers: Number of processes; None uses one for each processor of the cluster.

    Raises:
        EmorecError: A worker failed.
    """
    if not sources:
        return
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    workers = workers or max(int(cast(Any, ray).cluster_resources().get("CPU", 1)), 1)
    rows = [{"source": json.dumps(astuple(source))} for source in sources]
    blocks = min(-(-len(rows) // BATCH), 8 * workers)
    try:
        results = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
            _Worker,
            fn_constructor_args=(job,),
            batch_size=BATCH,
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=min(workers, blocks)),
        )
        for row in results.iter_rows():
            record, *texts, undrawn = json.loads(row["result"])
            written, problems, notes = map(tuple, texts)
            yield ImageResult(record, written, problems, notes, Undrawn(*undrawn))
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        reason = " ".join(str(cause or error).split())
        raise EmorecError(f"a Ray worker failed: {reason[-500:]}") from error
