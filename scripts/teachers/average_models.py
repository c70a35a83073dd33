"""Averages the weights of two .keras files of one network, and writes the result in both formats.

Weights on the line between a network and its continued training are often better than either end
(Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). The metadata are those of SECOND;
the temperature is fitted on the validation images, as `emorec train` does. It needs the extra
`train`.

Example: python scripts/teachers/average_models.py student.keras RUN/model.keras OUT --data FER-2013
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path

# Before TensorFlow is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from distillation.command import run

from emorec import __version__
from emorec.datasets.loading import load_images
from emorec.datasets.manifest import read_prepared
from emorec.errors import ModelError
from emorec.evaluation.calibration import fit_temperature
from emorec.export.onnx import export_onnx
from emorec.export.parity import FACES
from emorec.modeling.keras_files import load_model, save_model


def average(first: Path, second: Path, target: Path, data: Path, prior: float) -> None:
    """Write TARGET.keras and TARGET.onnx with the mean of the weights of two models.

    Raises:
        ModelError: A model is missing or damaged, or the networks or their labels differ.
        DataError: The data cannot be read, or a file cannot be written.
    """
    other, others = load_model(first)
    model, metadata = load_model(second)
    described = [
        (each.labels, [(weight.path, tuple(weight.shape)) for weight in network.weights])
        for each, network in ((others, other), (metadata, model))
    ]
    if described[0] != described[1]:
        raise ModelError(f"{first} and {second} differ in their labels or their layers")
    for weight, value in zip(model.weights, other.weights, strict=True):
        weight.assign((weight + value) / 2)
    dataset = read_prepared(data)
    examples = dataset.examples("validation", "majority", len(metadata.labels))
    images = load_images(
        examples.paths, metadata.input_size, metadata.color, metadata.interpolation
    )
    logits = np.asarray(model.predict(images, batch_size=256, verbose=0))
    metadata = replace(
        metadata,
        temperature=fit_temperature(logits, examples.targets),
        default_prior=prior,
        created_with=__version__,
    )
    save_model(model, metadata, target.with_suffix(".keras"))
    onnx = target.with_suffix(".onnx")
    difference = export_onnx(model, metadata, images[:FACES], onnx, half_weights=True)
    print(f"{onnx}: temperature {metadata.temperature:.3f}, parity {difference:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path, help=".keras file")
    parser.add_argument("second", type=Path, help=".keras file; its metadata are kept")
    parser.add_argument("target", type=Path, help="name of the result, without suffix")
    parser.add_argument("--data", type=Path, required=True, help="prepared data set")
    parser.add_argument("--prior", type=float, default=0.6, help="default prior of the result")
    options = parser.parse_args()
    average(options.first, options.second, options.target, options.data, options.prior)


if __name__ == "__main__":
    run(main)
