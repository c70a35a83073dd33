"""Makes the files of a shipped model, NAME.keras and NAME.onnx, of one or more trained networks.

The weights of several .keras files of one network are averaged: weights on the line between a
network and its continued training are often better than either end (Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models"). The convolutions are then scaled to the norm of initial weights,
which changes no output but lets the model be fine-tuned at the learning rates of its recipe. The
metadata are those of the last file, with the name of the result; the temperature is fitted on the
validation images, as `emorec train` does. It needs the extra `train`.

Example: python scripts/teachers/make_shipped_model.py student.keras RUN/model.keras OUT \
    --data FER-2013 --prior 0.6
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

# Before TensorFlow is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from distillation.command import run
from keras import layers

from emorec import __version__
from emorec.datasets.loading import load_images
from emorec.datasets.manifest import read_prepared
from emorec.errors import ModelError
from emorec.evaluation.calibration import shrunk_temperature
from emorec.export.onnx import export_onnx
from emorec.export.parity import FACES
from emorec.metadata import ModelMetadata
from emorec.modeling.classifier_parts import weighted_layers
from emorec.modeling.keras_files import load_model, save_model


def average(paths: Sequence[Path]) -> tuple[Any, ModelMetadata]:
    """Load models of one network, and return the mean of their weights with the last metadata.

    Raises:
        ModelError: A model is missing or damaged, or the networks or their labels differ.
    """
    loaded = [load_model(path) for path in paths]
    described = [
        (metadata.labels, [(weight.path, tuple(weight.shape)) for weight in model.weights])
        for model, metadata in loaded
    ]
    for path, found in zip(paths, described, strict=True):
        if found != described[-1]:
            raise ModelError(f"{path} and {paths[-1]} differ in their labels or their layers")
    model, metadata = loaded[-1]
    for weights in zip(*(each.weights for each, _ in loaded), strict=True):
        weights[-1].assign(sum(weights) / len(weights))
    return model, metadata


def scale_convolutions(model: Any) -> None:
    """Scale each convolution before a batch norm to the norm of He initialisation.

    The moving statistics follow, so that the output stays the same. Weight decay shrinks weights
    before a norm over a long training; a step of the same learning rate then changes them more (van
    Laarhoven 2017, "L2 Regularization versus Batch and Weight Normalization").
    """
    by_name = {layer.name: layer for layer in weighted_layers(model)}
    for name, convolution in by_name.items():
        norm = by_name.get(name.removesuffix("_conv") + "_norm")
        if not name.endswith("_conv") or not isinstance(norm, layers.BatchNormalization):
            continue
        kernel = np.asarray(convolution.kernel)
        factor = np.sqrt(2 * kernel.shape[-1]) / np.linalg.norm(kernel)
        convolution.kernel.assign(kernel * factor)
        norm.moving_mean.assign(np.asarray(norm.moving_mean) * factor)
        variance = factor**2 * (np.asarray(norm.moving_variance) + norm.epsilon) - norm.epsilon
        norm.moving_variance.assign(variance)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", type=Path, nargs="+", help=".keras files of one network")
    parser.add_argument("target", type=Path, help="path of the result, without suffix")
    parser.add_argument("--data", type=Path, required=True, help="prepared data set")
    parser.add_argument("--prior", type=float, required=True, help="default prior of the result")
    options = parser.parse_args()
    model, metadata = average(options.models)
    scale_convolutions(model)
    examples = read_prepared(options.data).examples("validation", "majority", len(metadata.labels))
    size = metadata.input_size
    images = load_images(examples.paths, size, metadata.color, metadata.interpolation)
    logits = np.asarray(model.predict(images, batch_size=256, verbose=0))
    metadata = replace(
        metadata,
        name=options.target.name,
        temperature=shrunk_temperature(logits, examples.targets),
        calibration_images=len(logits),
        default_prior=options.prior,
        created_with=__version__,
    )
    save_model(model, metadata, Path(f"{options.target}.keras"))
    onnx = Path(f"{options.target}.onnx")
    difference = export_onnx(model, metadata, images[:FACES], onnx, half_weights=True)
    print(f"{onnx}: temperature {metadata.temperature:.3f}, parity {difference:.1e}")


if __name__ == "__main__":
    run(main)
