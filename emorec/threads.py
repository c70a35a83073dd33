"""Runs work over many images in threads, with progress and a prompt stop."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from emorec.interrupts import deliver_pending_interrupt, hold_interrupts, wait_for_result

ProgressCallback = Callable[[int, int], None]
"""Called with the number of images done and the number in all, now and then."""

BATCH = 256

MAX_THREADS = 8
"""More images at once take more memory than they save time."""


def default_threads() -> int:
    """Count the threads that suit this machine: one a core that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, MAX_THREADS)


def run_in_threads(
    work: Callable[[int], None], count: int, report: ProgressCallback | None = None
) -> None:
    """Call `work` with each index below `count`, in threads.

    Reading, writing and decoding files leave the interpreter lock, so threads do overlap. The
    first exception (Ctrl-C too) drops the batches that have not begun, waits for those that have,
    and is raised.
    """

    def run(start: int) -> None:
        for index in range(start, min(start + BATCH, count)):
            work(index)

    with hold_interrupts(), ThreadPoolExecutor() as pool:
        batches = [pool.submit(run, start) for start in range(0, count, BATCH)]
        try:
            for number, batch in enumerate(batches, 1):
                wait_for_result(batch)
                deliver_pending_interrupt()
                if report:
                    report(min(number * BATCH, count), count)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
