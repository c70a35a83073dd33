"""Measures how long a model takes for one face on this machine."""

import statistics
import time
from pathlib import Path

import numpy as np

from emorec.inference.classifier import EmotionClassifier

RUNS = 50
"""Measured runs, of which the median counts."""

_WARM_UP = 5
_CROP_SIDE = 96


def milliseconds_per_face(model: Path) -> float:
    """Measure the median time from the crop of one face to its probabilities, on one thread.

    The crop is noise of 96 x 96 pixels; neither detection nor reading of files is part of it.

    Args:
        model: An ONNX file with emorec metadata.

    Returns:
        Milliseconds.

    Raises:
        ModelError: The file cannot be loaded or run.
    """
    classifier = EmotionClassifier(model, threads=1)
    crop = np.random.default_rng(0).integers(0, 256, (_CROP_SIDE, _CROP_SIDE, 3), np.uint8)
    times = []
    for _ in range(_WARM_UP + RUNS):
        start = time.perf_counter()
        classifier.classify([crop])
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times[_WARM_UP:])
