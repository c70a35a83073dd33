"""Distributes images over processes; an image that kills its process affects no other image."""

import signal
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context

import cv2

from emorec.batch.detect_job import DetectJob
from emorec.batch.image_work import ImageWork, process_serially
from emorec.interrupts import wait_for_result
from emorec.media.sources import MediaSource
from emorec.outputs.records import ImageResult

CHUNK = 16
"""Sources sent to a process together: enough for one batch of the model."""


def process_in_workers(
    job: DetectJob, sources: Iterable[MediaSource], workers: int
) -> Iterator[ImageResult]:
    """Process sources in several processes; the results come in the order of the sources.

    Args:
        job: The work on each.
        sources: Consumed as they are needed; standard input is not supported.
        workers: Number of processes.

    Raises:
        EmorecError: The detector or the model cannot be loaded or fails.
    """
    chunks = _chunks(sources)
    pending: deque[tuple[list[MediaSource], Future[list[ImageResult]]]] = deque()
    pool = _start_pool(job, workers)
    try:
        while True:
            for chunk in islice(chunks, 2 * workers - len(pending)):
                pending.append((chunk, _submit(pool, chunk)))
            if not pending:
                return
            chunk, future = pending.popleft()
            try:
                results = wait_for_result(future)
            except BrokenProcessPool:
                pool.shutdown()
                yield from _process_one_by_one(job, chunk)
                pool = _start_pool(job, workers)
                pending = deque((other, _submit(pool, other)) for other, _ in pending)
            else:
                yield from results
    finally:
        pool.shutdown(cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, chunk: list[MediaSource]) -> Future[list[ImageResult]]:
    try:
        return pool.submit(_process_chunk, chunk)
    except BrokenProcessPool as error:  # an earlier chunk killed a process
        future: Future[list[ImageResult]] = Future()
        future.set_exception(error)
        return future


def _process_one_by_one(job: DetectJob, chunk: Sequence[MediaSource]) -> Iterator[ImageResult]:
    """Process sources of which one may kill its process."""
    pool = _start_pool(job, 1)
    try:
        for source in chunk:
            try:
                yield from wait_for_result(pool.submit(_process_chunk, [source]))
            except BrokenProcessPool:
                problem = f"{source.name}: the process that decoded it was killed"
                yield ImageResult.unreadable(source.name, problem)
                pool.shutdown()
                pool = _start_pool(job, 1)
    finally:
        pool.shutdown()


def _chunks(sources: Iterable[MediaSource]) -> Iterator[list[MediaSource]]:
    remaining = iter(sources)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk


def _start_pool(job: DetectJob, workers: int) -> ProcessPoolExecutor:
    # A forked process would share the threads and locks of OpenCV and ONNX Runtime.
    context = get_context("spawn")
    return ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(job,))


_job: DetectJob | None = None
_work: ImageWork | None = None


def _start_worker(job: DetectJob) -> None:
    """Store the job; Ctrl-C is handled by the parent process."""
    global _job
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    _job = job


def _process_chunk(sources: Sequence[MediaSource]) -> list[ImageResult]:
    # Loaded here and not in `_start_worker`, where an error would look like a killed process.
    global _work
    assert _job is not None
    _work = _work or _job.work()
    return list(process_serially(_work, sources))
