"""Thread counts, and work over many images in threads with progress and prompt interruption."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from emorec.decoder_process import abort_decoding
from emorec.interrupts import deliver_pending_interrupt, hold_interrupts, wait_for_result

ProgressCallback = Callable[[int, int], None]
"""Called repeatedly with the number of finished images and the total number of images."""

BATCH = 256
"""Images between two progress reports."""

MAX_THREADS = 8
"""Upper limit of the threads; more images in flight cost more memory than they save time."""


def default_threads() -> int:
    """Return the number of threads for this machine: one per core available to this process."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, MAX_THREADS)


def run_in_threads(
    work: Callable[[int], None], count: int, progress: ProgressCallback | None = None
) -> None:
    """Call `work` with every index from 0 to `count` - 1, in threads.

    Reading, writing and decoding files release the GIL, so the threads run in parallel. On the
    first exception, Ctrl-C included, the images in progress are finished, no other is begun, and
    the exception is raised. Decoders that are running are ended.

    Args:
        work: Processes the image of an index.
        count: Number of images.
        progress: Called after every batch.
    """

    stopped = threading.Event()

    def run(start: int) -> None:
        for index in range(start, min(start + BATCH, count)):
            if stopped.is_set():
                return
            work(index)

    threads: list[int] = []
    with (
        hold_interrupts(),
        ThreadPoolExecutor(initializer=lambda: threads.append(threading.get_ident())) as pool,
    ):
        batches = [pool.submit(run, start) for start in range(0, count, BATCH)]
        try:
            for number, batch in enumerate(batches, 1):
                wait_for_result(batch)
                deliver_pending_interrupt()
                if progress:
                    progress(min(number * BATCH, count), count)
        except BaseException:
            stopped.set()
            abort_decoding(threads)
            pool.shutdown(wait=False, cancel_futures=True)
            raise
