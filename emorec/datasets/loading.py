"""Decodes the images of a data set to arrays of a model's input size."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from emorec.errors import DataError
from emorec.images import Image, read_bgr, read_gray
from emorec.preprocessing import to_input
from emorec.threads import ProgressCallback, run_in_threads

CHANNELS = {"gray": 1, "rgb": 3}
"""Number of input channels for each colour of a model."""

CHUNK_BYTES = 2**26
"""Size in bytes of the decoded pixels that `decoded_chunks` yields at a time."""


def load_images(
    paths: Sequence[Path],
    size: int,
    color: str,
    interpolation: str,
    progress: ProgressCallback | None = None,
) -> Image:
    """Decode images and resize them to a model's input.

    Args:
        paths: Image files, n of them.
        size: Side of the model's input in pixels.
        color: "gray" or "rgb".
        interpolation: See `emorec.preprocessing.INTERPOLATIONS`.
        progress: Called now and then with the number of decoded images and their total.

    Returns:
        Pixels, shape (n, size, size, channels), uint8, 0..255; RGB order.

    Raises:
        DataError: Images are missing or unreadable; names the first and counts all.
    """
    images = np.empty((len(paths), size, size, CHANNELS[color]), np.uint8)
    done = 0
    for chunk in decoded_chunks(paths, size, color, interpolation, progress):
        images[done : done + len(chunk)] = chunk
        done += len(chunk)
    return images


def decoded_chunks(
    paths: Sequence[Path],
    size: int,
    color: str,
    interpolation: str,
    progress: ProgressCallback | None = None,
) -> Iterator[Image]:
    """Decode images as `load_images` does, in chunks of at most `CHUNK_BYTES`.

    Args and Raises: As for `load_images`; the error for unreadable images is raised after the last
    chunk, so that all are counted.

    Yields:
        Pixels, shape (m, size, size, channels), uint8; the array is reused for the next chunk.
    """
    read = read_gray if color == "gray" else read_bgr
    shape = (size, size, CHANNELS[color])
    length = max(CHUNK_BYTES // int(np.prod(shape)), 1)
    images = np.empty((min(length, len(paths)), *shape), np.uint8)
    failed: dict[int, DataError] = {}
    for start in range(0, len(paths), length):
        count = min(length, len(paths) - start)

        def load(index: int, start: int = start) -> None:
            try:
                images[index] = to_input(read(paths[start + index]), size, color, interpolation)
            except DataError as error:
                failed[start + index] = error

        def report(done: int, _: int, start: int = start) -> None:
            if progress:
                progress(start + done, len(paths))

        run_in_threads(load, count, report)
        yield images[:count]
    if failed:
        more = f" (and {len(failed) - 1} more images)" if len(failed) > 1 else ""
        raise DataError(f"{failed[min(failed)]}{more}")
