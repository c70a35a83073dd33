"""Converts a student of distill.py to a .keras file of emorec.

The file can be fine-tuned (`emorec train --weights`), evaluated and exported. Weights of the second
head are left out. With --data the metadata get the prior of the training data, and a temperature
fitted on the validation images, as `emorec train` does; otherwise the temperature is 1. It needs
the extra `train`.

Example: python scripts/teachers/convert_student.py student.npz compact OUT.keras --data FER-2013
"""

import argparse
import os
from pathlib import Path
from typing import Any

# Before TensorFlow is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import numpy.typing as npt
from distillation.command import run
from distillation.npz_arrays import read_arrays

from emorec import __version__
from emorec.errors import ConfigError, ModelError
from emorec.labels import EMOTIONS_8
from emorec.metadata import ModelMetadata
from emorec.modeling.build import build_classifier
from emorec.modeling.classifier_parts import weighted_layers
from emorec.modeling.keras_files import save_model

SECOND_HEAD = "aux/"

MAX_BYTES = 2**27
"""Largest size of the weights in bytes; those of compact have 4 MB."""


def copied(model: Any, weights: dict[str, npt.NDArray[Any]], source: Path) -> None:
    """Copy weights, named LAYER/VARIABLE, to all layers of a model.

    Raises:
        ModelError: A weight is missing, of another shape or not of the model.
    """
    left = {name for name in weights if not name.startswith(SECOND_HEAD)}
    for layer in weighted_layers(model):
        values = []
        for variable in layer.weights:
            name = f"{layer.name}/{variable.name}"
            value = weights.get(name)
            if value is None or value.shape != tuple(variable.shape) or value.dtype.kind != "f":
                found = "nothing" if value is None else f"{value.dtype} of shape {value.shape}"
                raise ModelError(
                    f"{source}: the weights do not fit {model.name}: {name} must be floats of "
                    f"shape {tuple(variable.shape)}; received {found}"
                )
            if not np.isfinite(value).all():
                raise ModelError(f"{source}: {name} has values that are not finite")
            left.discard(name)
            values.append(value.astype(np.float32))
        layer.set_weights(values)
    if left:
        raise ModelError(f"{source}: {model.name} has no layer for {min(left)}")


def calibrated(model: Any, metadata: ModelMetadata, data: Path) -> ModelMetadata:
    """Return the metadata with a prior, and a temperature fitted on the validation images."""
    from emorec.datasets.loading import load_images
    from emorec.datasets.manifest import read_prepared
    from emorec.evaluation.calibration import shrunk_temperature
    from emorec.training.balance import training_prior

    dataset = read_prepared(data)
    validation = dataset.examples("validation", "majority", len(metadata.labels))
    size = metadata.input_size
    images = load_images(validation.paths, size, metadata.color, metadata.interpolation)
    logits = model.predict(images.astype(np.float32), batch_size=256, verbose=0)
    targets = dataset.examples("train", "crossentropy", len(metadata.labels), soft=True).targets
    return metadata.replaced(
        temperature=shrunk_temperature(logits, validation.targets),
        calibration_images=len(logits),
        prior=tuple(training_prior(targets).tolist()),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("student", type=Path, help="weights of the student, .npz")
    parser.add_argument("architecture", help="compact, nano or another of emorec architectures")
    parser.add_argument("target", type=Path, help="file to write, .keras")
    parser.add_argument("--data", type=Path, help="prepared data set, for temperature and prior")
    parser.add_argument("--prior", type=float, default=0.3, help="default prior, with --data")
    parser.add_argument("--name", help="name of the model (default: emorec-ARCHITECTURE)")
    parser.add_argument("--version", default="1", help="version of the model (default: 1)")
    options = parser.parse_args()
    if options.target.suffix != ".keras":
        raise ConfigError(f"the file to write must end in .keras; received {options.target}")
    weights = read_arrays(options.student, max_bytes=MAX_BYTES)
    model = build_classifier(options.architecture, len(EMOTIONS_8))
    copied(model, weights, options.student)
    metadata = ModelMetadata(
        name=options.name or f"emorec-{options.architecture}",
        version=options.version,
        architecture=options.architecture,
        labels=EMOTIONS_8,
        color="gray",
        input_size=model.input_shape[1],
        interpolation="area",
        crop_margin=0.0,
        temperature=1.0,
        training_data="FERPlus Training (fer2013new.csv votes, FER-2013 images)",
        license="MIT (weights); FER-2013 images are for research use",
        created_with=__version__,
    )
    if options.data is not None:
        metadata = calibrated(model, metadata, options.data).replaced(default_prior=options.prior)
    save_model(model, metadata, options.target)
    print(f"{options.target}: {options.architecture}, temperature {metadata.temperature:.3f}")


if __name__ == "__main__":
    run(main)
