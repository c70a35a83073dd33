"""Decodes the images of a data set into one array, at a model's input size."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emorec.datasets.parallel import Report, in_batches
from emorec.errors import DataError
from emorec.images import Image, read_bgr, read_gray
from emorec.preprocessing import to_input


def load_images(
    paths: Sequence[Path],
    size: int,
    color: str,
    interpolation: str,
    report: Report | None = None,
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
    read = read_gray if color == "gray" else read_bgr
    images = np.empty((len(paths), size, size, 1 if color == "gray" else 3), np.uint8)
    failed: dict[int, DataError] = {}

    def load(index: int) -> None:
        try:
            images[index] = to_input(read(paths[index]), size, color, interpolation)
        except DataError as error:
            failed[index] = error

    in_batches(load, len(paths), report)
    if failed:
        more = f" (and {len(failed) - 1} more images)" if len(failed) > 1 else ""
        raise DataError(f"{failed[min(failed)]}{more}")
    return images
