"""Compares the inference time per face of emorec with that of a Keras script, on one core.

It alternates, for batches of 1 and of 16 faces, between the classifier of `emorec detect` with the
ONNX file, from crop to probabilities, and `model.predict` and `model(...)` of Keras with the .keras
file of the same model, on crops resized beforehand. It prints medians, their ratios and the size of
the file. It needs the extra `train`.

Example: python scripts/bench_classifier.py --runs 100
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

if hasattr(os, "sched_setaffinity"):
    # Before TensorFlow starts its threads.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import keras
import numpy as np
import numpy.typing as npt

from emorec import resources
from emorec.inference.classifier import EmotionClassifier
from emorec.modeling.keras_files import load_model

SIDE = 96
COUNTS = (1, 16)


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - start)


def called(model: keras.Model, batch: npt.NDArray[np.float32]) -> object:
    return np.asarray(model(batch, training=False))


def compare(onnx: Path, keras_file: Path, runs: int) -> None:
    """Time all methods in turn, and print medians and ratios."""
    classifier, (model, _) = EmotionClassifier(onnx), load_model(keras_file)
    size, channels = classifier.metadata.input_size, classifier.metadata.channels
    print(f"{onnx.name}: {onnx.stat().st_size / 1e6:.2f} MB", end="")
    if classifier.cost:
        print(f", {classifier.cost.multiply_adds / 1e6:.0f} million multiply-adds", end="")
    print()
    random = np.random.default_rng(0)
    for count in COUNTS:
        crops = random.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)
        batch = np.array(
            [cv2.resize(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), (size, size)) for crop in crops],
            np.float32,
        )
        batch = np.repeat(batch[..., None], channels, axis=-1)
        methods: dict[str, Callable[[], object]] = {
            "emorec": partial(classifier.classify, list(crops)),
            "Keras, model(...)": partial(called, model, batch),
            "Keras, predict": partial(model.predict, batch, verbose=0),
        }
        times: dict[str, list[float]] = {name: [] for name in methods}
        for turn in range(runs + 1):
            for name, method in methods.items():
                elapsed = milliseconds(method)
                if turn:  # the first turn compiles
                    times[name].append(elapsed)
        print(f"batch of {count}, milliseconds per face, medians of {runs} runs in turn")
        ours = statistics.median(times["emorec"])
        for name, values in times.items():
            median = statistics.median(values)
            spread = "{0:.1f} to {2:.1f}".format(*np.quantile(values, (0.1, 0.5, 0.9)) / count)
            print(f"  {name:18} {median / count:6.2f} ({spread})  {median / ours:5.1f} times")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    shipped = resources.shipped_model()
    parser.add_argument("--model", type=Path, default=shipped, help="ONNX file; next to its .keras")
    parser.add_argument("--runs", type=int, default=50, help="number of runs of each method")
    arguments = parser.parse_args()
    compare(arguments.model, arguments.model.with_suffix(".keras"), arguments.runs)


if __name__ == "__main__":
    main()
