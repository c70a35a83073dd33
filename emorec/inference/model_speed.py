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


def milliseconds_per_face(*models: Path) -> list[float]:
    """Measure the median time from the crop of one face to its probabilities, on one thread.

    The crop is noise of 96 x 96 pixels; neither detection nor reading of files is part of it. The
    models take turns, so that their times compare.

    Args:
        models: ONNX files with emorec metadata.

    Returns:
        Milliseconds of each model.

    Raises:
        ModelError: A file cannot be loaded or run.
    """
    classifiers = [EmotionClassifier(model, threads=1) for model in models]
    crop = np.random.default_rng(0).integers(0, 256, (_CROP_SIDE, _CROP_SIDE, 3), np.uint8)
    times: list[list[float]] = [[] for _ in models]
    for _ in range(_WARM_UP + RUNS):
        for classifier, found in zip(classifiers, times, strict=True):
            start = time.perf_counter()
            classifier.classify([crop])
            found.append(time.perf_counter() - start)
    return [1e3 * statistics.median(found[_WARM_UP:]) for found in times]
