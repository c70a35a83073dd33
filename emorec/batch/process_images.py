"""Chooses how images are processed: one by one, in threads, in processes or on a Ray cluster."""

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, nullcontext

import cv2

from emorec.batch.detect_job import DetectJob
from emorec.batch.image_work import process_serially
from emorec.inference.recognizer import EmotionRecognizer
from emorec.media.sources import MediaSource
from emorec.outputs.records import ImageResult

_MAX_CV_THREADS = 4
"""Starting more OpenCV threads costs a short process more time than a cascade gains."""


def process_images(
    job: DetectJob,
    sources: Sequence[MediaSource],
    recognizer: EmotionRecognizer | None = None,
    *,
    workers: int | None = None,
    ray: str | None = None,
) -> Generator[ImageResult]:
    """Process images; the results come in the order of the sources.

    Sets the number of OpenCV's threads to suit. Close the generator where it is not exhausted: it
    ends threads and processes.

    Args:
        job: The work on each image.
        sources: The images.
        recognizer: One made from the job's settings, used by the threads of this process; None
            loads it.
        workers: Number of processes; None uses threads of this process, or one process for each
            processor of the Ray cluster.
        ray: Process the images on a Ray cluster, inside `connected` with the same address.

    Raises:
        EmorecError: The detector or the model cannot be loaded or fails.
    """
    # A module is imported only where it is used: a single image needs none of them.
    if ray is not None:
        from emorec.batch.ray_cluster import process_on_ray

        return process_on_ray(job, sources, workers)
    if workers is not None:
        from emorec.batch.processes import process_in_workers

        return process_in_workers(job, sources, workers)
    work = job.work(recognizer)
    if len(sources) > 1:
        from emorec.batch.threaded import process_threaded

        cv2.setNumThreads(1)  # the images processed side by side keep the cores busy
        return process_threaded(work, sources)
    cv2.setNumThreads(min(cv2.getNumThreads(), _MAX_CV_THREADS))
    return process_serially(work, sources)


def connected(ray: str | None, workers: int | None = None) -> AbstractContextManager[None]:
    """Connect to a Ray cluster for the duration of a `with` block; without an address do nothing.

    Args:
        ray: As for `ray_cluster.cluster`, or None.
        workers: As for `ray_cluster.cluster`.

    Raises:
        ConfigError: There is no cluster at the address.
        ModuleNotFoundError: Ray is not installed.
    """
    if ray is None:
        return nullcontext()
    from emorec.batch.ray_cluster import cluster

    return cluster(ray, workers)
