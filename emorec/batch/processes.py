"""Shares pictures among processes; one that dies of a picture takes no other picture with it."""

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
from emorec.outputs.records import ImageResult, image_record

CHUNK = 16
"""Sources that go to a process together: enough for one call of the model."""


def process_in_workers(
    job: DetectJob, sources: Iterable[MediaSource], workers: int
) -> Iterator[ImageResult]:
    """Do sources in several processes; the results come in the order of the sources.

    Args:
        job: What is done with each.
        sources: Taken as they are needed; standard input is not among them.
        workers: Number of processes.

    Raises:
        EmorecError: The detector or the model cannot be loaded or fails.
    """
    chunks = _chunks(sources)
    pending: deque[tuple[list[MediaSource], Future[list[ImageResult]]]] = deque()
    pool = _pool(job, workers)
    try:
        while True:
            for chunk in islice(chunks, 2 * workers - len(pending)):
                pending.append((chunk, _submitted(pool, chunk)))
            if not pending:
                return
            chunk, future = pending.popleft()
            try:
                done = wait_for_result(future)
            except BrokenProcessPool:
                pool.shutdown()
                yield from _one_by_one(job, chunk)
                pool = _pool(job, workers)
                pending = deque((other, _submitted(pool, other)) for other, _ in pending)
            else:
                yield from done
    finally:
        pool.shutdown(cancel_futures=True)


def _submitted(pool: ProcessPoolExecutor, chunk: list[MediaSource]) -> Future[list[ImageResult]]:
    try:
        return pool.submit(_do, chunk)
    except BrokenProcessPool as error:  # a chunk before this one broke it
        future: Future[list[ImageResult]] = Future()
        future.set_exception(error)
        return future


def _one_by_one(job: DetectJob, chunk: Sequence[MediaSource]) -> Iterator[ImageResult]:
    """Do sources of which one may kill its process."""
    pool = _pool(job, 1)
    try:
        for source in chunk:
            try:
                yield from wait_for_result(pool.submit(_do, [source]))
            except BrokenProcessPool:
                problem = f"{source.name}: the process that looked at it was killed"
                yield ImageResult(
                    image_record(source.name, None, [], error=problem), problems=(problem,)
                )
                pool.shutdown()
                pool = _pool(job, 1)
    finally:
        pool.shutdown()


def _chunks(sources: Iterable[MediaSource]) -> Iterator[list[MediaSource]]:
    waiting = iter(sources)
    while chunk := list(islice(waiting, CHUNK)):
        yield chunk


def _pool(job: DetectJob, workers: int) -> ProcessPoolExecutor:
    # A forked process would share the threads and locks of OpenCV and ONNX Runtime.
    context = get_context("spawn")
    return ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(job,))


_job: DetectJob | None = None
_work: ImageWork | None = None


def _begin(job: DetectJob) -> None:
    """Take the job; the process that started this one answers Ctrl-C."""
    global _job
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    _job = job


def _do(sources: Sequence[MediaSource]) -> list[ImageResult]:
    # Here and not in `_begin`, where an error would look like the death of the process.
    global _work
    assert _job is not None
    _work = _work or _job.work()
    return list(process_serially(_work, sources))
