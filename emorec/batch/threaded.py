"""Lets many pictures overlap: some are read and searched, some classified, some drawn and written.

Threads do the work on pictures; OpenCV and ONNX Runtime let the interpreter go meanwhile. The
caller's thread puts the faces of the pictures that are ready through the model together, and hands
the results on in the order of the sources. A bounded number of pictures is in memory.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from emorec.batch.image_work import DecodedImage, ImageWork, classify_batch
from emorec.images import MAX_PIXELS
from emorec.inference.classifier import BATCH_SIZE
from emorec.interrupts import wait_for_result
from emorec.media.sources import MediaSource
from emorec.outputs.records import ImageResult
from emorec.threads import default_threads


def process_threaded(
    work: ImageWork, sources: Iterable[MediaSource], threads: int | None = None
) -> Iterator[ImageResult]:
    """Do many sources at once; the results come in the order of the sources.

    OpenCV should be kept to one thread meanwhile (`cv2.setNumThreads(1)`), as the cores are busy.

    Args:
        work: What is done with each.
        sources: Taken as they are needed.
        threads: How many pictures are worked on at a time; None takes `default_threads`.

    Raises:
        ModelError: The model fails.
    """
    threads = threads or default_threads()
    pool = ThreadPoolExecutor(threads)
    preparing: deque[Future[DecodedImage]] = deque()
    finishing: deque[tuple[DecodedImage, Future[list[ImageResult]]]] = deque()

    def may_begin() -> bool:
        held = sum(future.result().pixels for future in preparing if future.done())
        held += sum(prepared.pixels for prepared, _ in finishing)
        return len(preparing) < 2 * threads and held <= MAX_PIXELS

    waiting = iter(sources)
    more = True
    try:
        while more or preparing or finishing:
            while more and may_begin():
                source = next(waiting, None)
                more = source is not None
                if source is not None:
                    preparing.append(pool.submit(work.prepare, source))
            for prepared, predictions in classify_batch(work, _ready(preparing)):
                finishing.append((prepared, pool.submit(work.finish, prepared, predictions)))
            while finishing and (len(finishing) > threads or not preparing or not may_begin()):
                yield from wait_for_result(finishing.popleft()[1])
    finally:
        pool.shutdown(cancel_futures=True)


def _ready(preparing: deque[Future[DecodedImage]]) -> list[DecodedImage]:
    """Wait for the first picture and take those after it that are ready, for one batch."""
    batch: list[DecodedImage] = []
    faces = 0
    while preparing and (not batch or (preparing[0].done() and faces < BATCH_SIZE)):
        batch.append(wait_for_result(preparing.popleft()))
        faces += len(batch[-1].crops)
    return batch
