"""Compares the devices of the installed ONNX Runtime: faces a second, and agreement with the CPU.

For each device and batch it alternates between the CPU and the device, with the classifier of
`emorec detect` on noise, and prints the median faces a second of both, their ratio, and the largest
difference of a probability. It also prints how long opening the model takes.

Example: python scripts/bench_devices.py --runs 30
"""

import argparse
import os
import statistics
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emorec import resources
from emorec.errors import EmorecError
from emorec.inference.classifier import EmotionClassifier
from emorec.inference.devices import DEVICES
from emorec.inference.onnx_runtime import onnxruntime, providers

BATCHES = (1, 16, 256)


def seconds(model: EmotionClassifier, faces: npt.NDArray[np.float32]) -> float:
    start = time.perf_counter()
    model.probabilities(faces)
    return time.perf_counter() - start


def compare(name: str, model: Path, threads: int, runs: int) -> None:
    """Time a device and the CPU in turn, and print medians and their ratio."""
    cpu = EmotionClassifier(model, threads, device="cpu")
    start = time.perf_counter()
    try:
        other = EmotionClassifier(model, threads, device=name)
    except EmorecError as error:
        print(f"{name}: {error}")
        return
    print(f"{name}: opened in {time.perf_counter() - start:.2f} s")
    random = np.random.default_rng(0)
    size, channels = cpu.metadata.input_size, cpu.metadata.channels
    for count in BATCHES:
        faces = random.integers(0, 256, (count, size, size, channels)).astype(np.float32)
        difference = np.abs(other.probabilities(faces) - cpu.probabilities(faces)).max()
        pairs = [(seconds(cpu, faces), seconds(other, faces)) for _ in range(runs)]
        slow, fast = (count / statistics.median(column) for column in zip(*pairs, strict=True))
        print(
            f"  batch {count:3}: cpu {slow:7.0f} faces/s, {name} {fast:7.0f} faces/s, "
            f"ratio {fast / slow:.2f}; largest difference {difference:.1e}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=resources.shipped_model(), metavar="FILE")
    parser.add_argument("--threads", type=int, default=1, help="threads of a call; 0: all cores")
    parser.add_argument("--runs", type=int, default=30)
    arguments = parser.parse_args()
    listed = providers()
    print(f"onnxruntime {onnxruntime.__version__} with {', '.join(listed)}; {os.cpu_count()} cores")
    for name, device in DEVICES.items():
        if name != "cpu" and device.provider in listed:
            compare(name, arguments.model, arguments.threads, arguments.runs)


if __name__ == "__main__":
    main()
