"""Processes many images at the same time: reading and detecting, classifying, drawing and writing.

Threads process the images; OpenCV and ONNX Runtime release the GIL. The caller's thread classifies
the faces of the images that are ready in one batch, and yields the results in the order of the
sources. The number of images in memory is bounded.
"""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import get_ident

from emorec.batch.image_work import DecodedImage, ImageWork, classify_batch
from emorec.decoder_process import abort_decoding
from emorec.images import MAX_PIXELS
from emorec.inference.classifier import BATCH_SIZE
from emorec.interrupts import wait_for_result
from emorec.media.sources import MediaSource
from emorec.outputs.records import ImageResult
from emorec.threads import default_threads


def process_threaded(
    work: ImageWork, sources: Iterable[MediaSource], threads: int | None = None
) -> Generator[ImageResult]:
    """Process sources in threads; the results come in the order of the sources.

    Limit OpenCV to one thread (`cv2.setNumThreads(1)`), as these threads use all cores.

    Args:
        work: The work on each.
        sources: Consumed as they are needed.
        threads: Number of images processed at a time; None uses `default_threads`.

    Raises:
        ModelError: The model fails.
    """
    threads = threads or default_threads()
    idents: list[int] = []
    pool = ThreadPoolExecutor(threads, initializer=lambda: idents.append(get_ident()))
    preparing: deque[Future[DecodedImage]] = deque()
    finishing: deque[tuple[DecodedImage, Future[list[ImageResult]]]] = deque()

    def has_room() -> bool:
        held = sum(future.result().pixels for future in preparing if future.done())
        held += sum(decoded.pixels for decoded, _ in finishing)
        return len(preparing) < 2 * threads and held <= MAX_PIXELS

    remaining = iter(sources)
    more = True
    try:
        while more or preparing or finishing:
            while more and has_room():
                source = next(remaining, None)
                more = source is not None
                if source is not None:
                    preparing.append(pool.submit(work.prepare, source))
            for decoded, predictions in classify_batch(work, _take_batch(preparing)):
                finishing.append((decoded, pool.submit(work.finish, decoded, predictions)))
            while finishing and (len(finishing) > threads or not preparing or not has_room()):
                yield from wait_for_result(finishing.popleft()[1])
    except BaseException:
        # Ctrl-C, or the caller stops: no thread needs its image any more.
        abort_decoding(idents)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _take_batch(preparing: deque[Future[DecodedImage]]) -> list[DecodedImage]:
    """Wait for the first image and take the next ones that are ready, up to one batch."""
    batch: list[DecodedImage] = []
    faces = 0
    while preparing and (not batch or (preparing[0].done() and faces < BATCH_SIZE)):
        batch.append(wait_for_result(preparing.popleft()))
        faces += len(batch[-1].crops)
    return batch
