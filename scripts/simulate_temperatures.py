"""Measures how well a temperature that few images determine calibrates a model.

It draws sets of images of PublicTest, determines a temperature on each, and measures the expected
calibration error on the images that were not drawn: with T = 1, with the best fit to the drawn
images, and with the rule of `emorec train` (`shrunk_temperature`). The table has the mean over the
draws and the models.

How confident a model is depends on its training: soft labels and label smoothing make it too
careful, with a best temperature below 1, and many epochs on few images too sure. The shipped models
were all trained on soft labels, so their logits are scaled to several best temperatures;
--as-trained leaves them as they are. It needs neither TensorFlow nor Keras, and takes two minutes
on two cores.

Example: python scripts/simulate_temperatures.py FER-2013
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.datasets.image_cache import cached_images
from emorec.datasets.manifest import read_prepared
from emorec.evaluation.calibration import (
    expected_calibration_error,
    fit_temperature,
    reliability,
    shrunk_temperature,
)
from emorec.evaluation.open_model import open_model
from emorec.labels import Targets
from emorec.models.files import find_model
from emorec.probabilities import probabilities_from_logits

MODELS = (
    "emorec-compact",
    "emorec-nano",
    str(Path(__file__).parent / "teachers" / "emorec-compact-1.3.onnx"),
)
BEST_TEMPERATURES = (0.6, 0.8, 1.0, 1.25, 1.67)
"""Best temperatures of the simulated models, symmetric about 1 on a logarithmic scale."""

SIZES = (18, 50, 200, 1000)
DRAWS = 50

RULES = {
    "T = 1": lambda logits, targets: 1.0,
    "best fit": fit_temperature,
    "rule": shrunk_temperature,
}

Logits = npt.NDArray[np.floating[Any]]


def public_test(model: str, data: Path, limit: int | None = None) -> tuple[Logits, Targets]:
    """Compute the logits of a model for the validation split of a prepared data set.

    Returns:
        Logits and targets, both of shape (n, labels of the model).
    """
    opened = open_model(find_model(model, ("onnx",)))
    metadata, dataset = opened.metadata, read_prepared(data)
    policy = None if dataset.votes is None else "majority"
    classes = None if dataset.votes is None else len(metadata.labels)
    examples = dataset.examples("validation", policy, classes).limited(limit)
    images = cached_images(
        examples.paths, metadata.input_size, metadata.color, metadata.interpolation
    )
    columns = [metadata.labels.index(name) for name in examples.class_names]
    parts = [opened.logits(images[start : start + 256]) for start in range(0, len(images), 256)]
    return np.concatenate(parts)[:, columns], examples.targets


def scaled_models(
    models: Sequence[tuple[Logits, Targets]], temperatures: Sequence[float]
) -> list[tuple[Logits, Targets]]:
    """Scale the logits of each model so that its best temperature is each of the given ones."""
    return [
        (logits * (temperature / fit_temperature(logits, targets)), targets)
        for logits, targets in models
        for temperature in temperatures
    ]


def mean_errors(
    logits: Logits, targets: Targets, size: int, draws: int, seed: int = 0
) -> dict[str, float]:
    """Compute the mean calibration error of each rule over draws of images.

    Args:
        logits: Shape (n, classes).
        targets: Shape (n, classes).
        size: Number of images that determine a temperature; the others measure the error.
        draws: Number of draws.
        seed: Seed of the draws.
    """
    generator = np.random.default_rng(seed)
    errors: dict[str, list[float]] = {name: [] for name in RULES}
    for _ in range(draws):
        order = generator.permutation(len(logits))
        drawn, others = order[:size], order[size:]
        for name, rule in RULES.items():
            temperature = rule(logits[drawn], targets[drawn])
            probabilities = probabilities_from_logits(logits[others], temperature)
            bins = reliability(probabilities, targets[others])
            errors[name].append(expected_calibration_error(bins))
    return {name: float(np.mean(found)) for name, found in errors.items()}


def simulate(
    models: Sequence[tuple[Logits, Targets]], sizes: Sequence[int], draws: int
) -> list[dict[str, float]]:
    """Return a row for each number of images: the mean of each rule over the models."""
    rows = []
    for size in sizes:
        found = [mean_errors(*model, size, draws, seed=size) for model in models]
        means = {name: float(np.mean([errors[name] for errors in found])) for name in RULES}
        rows.append({"images": size, **means})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="FERPlus, prepared by emorec prepare-data")
    parser.add_argument("--models", nargs="+", default=MODELS, help="ONNX emotion models")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of images")
    parser.add_argument("--draws", type=int, default=DRAWS, help=f"draws of a size ({DRAWS})")
    parser.add_argument("--as-trained", action="store_true", help="do not scale the logits")
    parser.add_argument("--limit", type=int, help="use at most this number of images")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    models = [public_test(name, options.data, options.limit) for name in options.models]
    most = min(len(logits) for logits, _ in models) - 1
    if not 1 <= min(options.sizes) <= max(options.sizes) <= most:
        parser.error(f"--sizes must be 1 to {most}; received {options.sizes}")
    if not options.as_trained:
        models = scaled_models(models, BEST_TEMPERATURES)
    rows = simulate(models, options.sizes, max(options.draws, 1))
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"expected calibration error: mean of {len(models)} models, {options.draws} draws each")
    print(f"{'images':>8}{''.join(f'{name:>10}' for name in RULES)}")
    for row in rows:
        print(f"{row['images']:8,}" + "".join(f"{row[name]:10.4f}" for name in RULES))


if __name__ == "__main__":
    main()
