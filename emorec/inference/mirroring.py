"""Averages of the logits over an image and its mirror image."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.metadata import ModelMetadata

_TOLERANCE = 1e-5

_Logits = Callable[[npt.NDArray[Any]], npt.NDArray[np.float32]]


def mirrored(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Mirror images left to right, shape (n, height, width, channels)."""
    return images[:, :, ::-1]


def averages_mirror_images(logits: _Logits, metadata: ModelMetadata) -> bool:
    """Return whether a model answers the same for an image and its mirror image.

    Models trained with `flip_average` do, as they contain the average: a second pass over the
    mirror image would change nothing. Metadata do not say so; a fixed image of noise shows it.

    Args:
        logits: Computes the logits of images, shape (n, size, size, channels), 0..255.
        metadata: Metadata of the model.

    Raises:
        ModelError: The model fails.
    """
    size, channels = metadata.input_size, metadata.channels
    noise = np.random.default_rng(0).integers(0, 256, (1, size, size, channels), np.uint8)
    one, other = logits(np.concatenate([noise, mirrored(noise)]))
    return bool(np.abs(one - other).max() <= _TOLERANCE * max(1.0, np.abs(one).max()))
