"""Compares ways to quantise a model to 8-bit integers, each with the model before.

It calibrates on 512 training images and compares on other training images, so that no setting is
selected on the validation split. It prints the size, the mean Kullback-Leibler divergence of the
probabilities, the share of images with another emotion, and the median time of a face on one
thread. It needs the extra `train`.

Results depend on the processor: 8-bit weights are exact with AVX-512 VNNI, and saturate with AVX2
alone, which `qemu-x86_64 -cpu Haswell` emulates.

Example: python scripts/compare_int8.py emorec-compact FER-2013
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnxruntime.quantization import QuantType

from emorec.datasets.loading import load_images
from emorec.datasets.manifest import read_prepared
from emorec.export.int8 import quantize
from emorec.inference.classifier import EmotionClassifier
from emorec.models.files import find_model

CALIBRATION = 512
RUNS = 50

SETTINGS: dict[str, dict[str, Any]] = {
    "emorec": {},
    "8-bit weights": {"reduce_range": False},
    "signed activations": {"activation_type": QuantType.QInt8},
    "unsigned weights, 8 bits": {"weight_type": QuantType.QUInt8, "reduce_range": False},
    "one scale a tensor": {"per_channel": False},
    "all layers and operators": {"op_types_to_quantize": None, "nodes_to_exclude": []},
}


def measure(path: Path, images: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float64], float]:
    """Return the probabilities, and the median time of a face in milliseconds."""
    classifier = EmotionClassifier(path, prior="natural")
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        classifier.logits(images[:1])
        times.append(1e3 * (time.perf_counter() - start))
    return classifier.probabilities(images).astype(np.float64), float(np.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", help="an ONNX file, a run folder or a name of models list")
    parser.add_argument("data", type=Path, help="a prepared data set")
    parser.add_argument("--images", type=int, default=2000, help="training images to compare on")
    arguments = parser.parse_args()

    source = find_model(arguments.model, ("onnx",))
    metadata = EmotionClassifier(source).metadata
    paths = np.array(read_prepared(arguments.data).examples("train").paths)
    chosen = np.linspace(0, len(paths) - 1, CALIBRATION).round().astype(int)
    others = np.setdiff1d(np.arange(len(paths)), chosen)
    others = others[np.linspace(0, len(others) - 1, arguments.images).round().astype(int)]
    calibration, images = (
        load_images(list(paths[rows]), metadata.input_size, metadata.color, metadata.interpolation)
        for rows in (chosen, others)
    )

    expected, before_ms = measure(source, images)
    print(f"{'':26}{'MB':>8}{'divergence':>12}{'changed':>9}{'ms':>8}")
    print(f"{'before':26}{source.stat().st_size / 1e6:8.3f}{'':21}{before_ms:8.2f}")
    with tempfile.TemporaryDirectory() as folder:
        for name, changes in SETTINGS.items():
            path = Path(folder) / "int8.onnx"
            path.write_bytes(quantize(source, calibration, changes))
            found, ms = measure(path, images)
            ratio = np.maximum(expected, 1e-9) / np.maximum(found, 1e-9)
            divergence = (expected * np.log(ratio)).sum(axis=1).mean()
            changed = (found.argmax(axis=1) != expected.argmax(axis=1)).mean()
            print(
                f"{name:26}{path.stat().st_size / 1e6:8.3f}{divergence:12.5f}{changed:8.2%}"
                f"{ms:9.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
