"""Decodes the images of a data set into arrays, at a model's input size."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from emorec.errors import DataError
from emorec.images import Image, read_bgr, read_gray
from emorec.preprocessing import to_input
from emorec.threads import ProgressCallback, run_in_threads

CHANNELS = {"gray": 1, "rgb": 3}
"""Channels of a model's input of each colour."""

CHUNK_BYTES = 2**26
"""Decoded pixels that `decoded_chunks` holds at a time."""


def load_images(
    paths: Sequence[Path],
    size: int,
    color: str,
    interpolation: str,
    report: ProgressCallback | None = None,
) -> Image:
    """Decode images and bring them to a model's input.

    Args:
        paths: Image files, n of them.
        size: Side of the model's input in pixels.
        color: "gray" or "rgb".
        interpolation: See `emorec.preprocessing.INTERPOLATIONS`.
        report: Called with the number done and the number in all, now and then.

    Returns:
        Pixels, shape (n, size, size, channels), uint8, 0..255; RGB order.

    Raises:
        DataError: Images are missing or unreadable; the first is named and all are counted.
    """
    images = np.empty((len(paths), size, size, CHANNELS[color]), np.uint8)
    done = 0
    for chunk in decoded_chunks(paths, size, color, interpolation, report):
        images[done : done + len(chunk)] = chunk
        done += len(chunk)
    return images


def decoded_chunks(
    paths: Sequence[Path],
    size: int,
    color: str,
    interpolation: str,
    report: ProgressCallback | None = None,
) -> Iterator[Image]:
    """Decode images as `load_images` does, giving them in parts of a few dozen megabytes.

    Args and Raises: As for `load_images`; unreadable images are told after the last part, so that
    all are counted.

    Yields:
        Pixels, shape (m, size, size, channels), uint8; used anew for the next part.
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

        def told(done: int, _: int, start: int = start) -> None:
            if report:
                report(start + done, len(paths))

        run_in_threads(load, count, told)
        yield images[:count]
    if failed:
        more = f" (and {len(failed) - 1} more images)" if len(failed) > 1 else ""
        raise DataError(f"{failed[min(failed)]}{more}")
