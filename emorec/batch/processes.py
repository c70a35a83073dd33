"""Distributes images over processes; an image that kills its process affects no other image."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

import cv2

from emorec.batch.detect_job import DetectJob
from emorec.batch.image_work import ImageWork, process_serially
from emorec.batch.worker_life import end_with_parent, signals_blocked
from emorec.interrupts import wait_for_result
from emorec.media.sources import MediaSource
from emorec.outputs.records import ImageResult

CHUNK = 16
"""Sources sent to a process together: enough for one batch of the model."""


def process_in_workers(
    job: DetectJob, sources: Iterable[MediaSource], workers: int
) -> Generator[ImageResult]:
    """Process sources in several processes; the results come in the order of the sources.

    Args:
        job: The work on each.
        sources: Consumed as they are needed; standard input is not supported.
        workers: Number of processes.

    Raises:
        EmorecError: The detector or the model cannot be loaded or fails.
    """
    chunks = chunks_of(sources)
    pending: deque[tuple[list[MediaSource], Future[list[ImageResult]]]] = deque()
    while True:
        with _Pool(job, workers) as pool:
            pending = deque((chunk, pool.submit(chunk)) for chunk, _ in pending)
            while True:
                for chunk in islice(chunks, 2 * workers - len(pending)):
                    pending.append((chunk, pool.submit(chunk)))
                if not pending:
                    return
                chunk, future = pending.popleft()
                try:
                    results = wait_for_result(future)
                except BrokenProcessPool:
                    break
                yield from results
        yield from _process_one_by_one(job, chunk)


def _process_one_by_one(job: DetectJob, chunk: Sequence[MediaSource]) -> Iterator[ImageResult]:
    """Process sources of which one may kill its process."""
    remaining = deque(chunk)
    while remaining:
        with _Pool(job, 1) as pool:
            while remaining:
                source = remaining.popleft()
                try:
                    results = wait_for_result(pool.submit([source]))
                except BrokenProcessPool:
                    problem = f"{source.name}: the process that decoded it was killed"
                    yield ImageResult.unreadable(source.name, problem)
                    break
                yield from results


def chunks_of(sources: Iterable[MediaSource]) -> Iterator[list[MediaSource]]:
    """Yield the sources in lists of at most `CHUNK`, in order."""
    remaining = iter(sources)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk


class _Pool:
    """Worker processes that end at once where an exception, such as Ctrl-C, ends the block."""

    def __init__(self, job: DetectJob, workers: int) -> None:
        # A forked process would share the threads and locks of OpenCV and ONNX Runtime.
        context = get_context("spawn")
        # The workers wait for its end, and hold no copy of the writer; see `end_with_parent`.
        self._parent_lives, self._writer = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(
            workers, context, initializer=_start_worker, initargs=(job, self._parent_lives)
        )

    def __enter__(self) -> Self:
        return self

    def submit(self, chunk: Sequence[MediaSource]) -> Future[list[ImageResult]]:
        """Process sources in one of the workers."""
        try:
            with signals_blocked():  # it may start a process
                return self._executor.submit(_process_chunk, chunk)
        except BrokenProcessPool as error:  # an earlier chunk killed a process
            future: Future[list[ImageResult]] = Future()
            future.set_exception(error)
            return future

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._writer.close()
        self._executor.shutdown(cancel_futures=True)
        self._writer.close()
        self._parent_lives.close()


_job: DetectJob | None = None
_work: ImageWork | None = None


def _start_worker(job: DetectJob, parent_lives: Connection) -> None:
    """Store the job."""
    global _job
    end_with_parent(parent_lives)
    cv2.setNumThreads(1)
    _job = job


def _process_chunk(sources: Sequence[MediaSource]) -> list[ImageResult]:
    # Loaded here and not in `_start_worker`, where an error would look like a killed process.
    global _work
    assert _job is not None
    _work = _work or _job.work()
    return list(process_serially(_work, sources))
