"""Thread counts, and work over many images in threads with progress and prompt interruption."""

import math
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from emorec.decoder_process import abort_decoding
from emorec.interrupts import deliver_pending_interrupt, hold_interrupts, wait_for_result

ProgressCallback = Callable[[int, int], None]
"""Called repeatedly with the number of finished images and the total number of images."""

BATCH = 256
"""Images between two progress reports."""

MAX_THREADS = 8
"""Upper limit of the threads; more images in flight cost more memory than they save time."""


_GROUP_OF_PROCESS = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")


def default_threads() -> int:
    """Return the number of threads for this machine: one per available core, up to a limit."""
    return min(available_cores(), MAX_THREADS)


def available_cores() -> int:
    """Return the number of cores that this process may use, at least 1.

    These are the cores of its affinity mask, or fewer if it runs in a container with a CPU quota.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min([cores, *map(math.ceil, _quotas())]))


def _quotas() -> Iterator[float]:
    """Yield the CPU quotas, in cores, of the Linux control groups that this process is in.

    `cpu.max` of version 2 and `cpu.cfs_quota_us` of version 1 are described in
    https://docs.kernel.org/admin-guide/cgroup-v2.html and
    https://docs.kernel.org/scheduler/sched-bwc.html.
    """
    try:
        memberships = _GROUP_OF_PROCESS.read_text("utf-8").splitlines()
    except (OSError, ValueError):  # not Linux
        return
    for membership in memberships:
        _, controllers, path = membership.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = _GROUPS / "cpu" if controllers else _GROUPS
        group = root / path.lstrip("/")
        # In a container the path may name a folder of the host, and only the root is visible.
        for folder in (group, *group.parents):
            with suppress(OSError, ValueError):
                if controllers:
                    quota = (folder / "cpu.cfs_quota_us").read_text()
                    period = (folder / "cpu.cfs_period_us").read_text()
                else:
                    quota, period = (folder / "cpu.max").read_text().split()
                if float(quota) > 0:  # "max" and -1 are no limit
                    yield float(quota) / float(period)
            if folder == root:
                break


def run_in_threads(
    work: Callable[[int], None],
    count: int,
    progress: ProgressCallback | None = None,
    *,
    threads: int | None = None,
    batch: int | None = None,
) -> None:
    """Call `work` with every index from 0 to `count` - 1, in threads.

    Reading, writing and decoding files release the GIL, so the threads run in parallel. On the
    first exception, Ctrl-C included, the images in progress are finished, no other is begun, and
    the exception is raised. Decoders that are running are ended.

    Args:
        work: Processes the image of an index.
        count: Number of images.
        progress: Called after every batch.
        threads: Number of threads; None for the default of `ThreadPoolExecutor`, which suits work
            that waits for the disk.
        batch: Images between two progress reports; None for `BATCH`.
    """
    size = batch or BATCH

    stopped = threading.Event()

    def run(start: int) -> None:
        for index in range(start, min(start + size, count)):
            if stopped.is_set():
                return
            work(index)

    idents: list[int] = []
    with (
        hold_interrupts(),
        ThreadPoolExecutor(
            threads, initializer=lambda: idents.append(threading.get_ident())
        ) as pool,
    ):
        batches = [pool.submit(run, start) for start in range(0, count, size)]
        try:
            for number, part in enumerate(batches, 1):
                wait_for_result(part)
                deliver_pending_interrupt()
                if progress:
                    progress(min(number * size, count), count)
        except BaseException:
            stopped.set()
            abort_decoding(idents)
            pool.shutdown(wait=False, cancel_futures=True)
            raise
