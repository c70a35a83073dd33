"""Builds the model of a run, and resolves the model files that the settings name."""

from pathlib import Path
from typing import Any

import keras

from emorec.errors import ModelError
from emorec.modeling.build import build_classifier
from emorec.modeling.flip_ensemble import plain_classifier
from emorec.modeling.keras_files import load_model
from emorec.models.files import FORMATS, find_model
from emorec.training.config import TrainConfig
from emorec.training.config_groups import ModelConfig
from emorec.training.distribution import ALONE, World, distribute
from emorec.training.run_data import COLOR

WEIGHTS = ("none", "imagenet", "emorec")
"""Values of the setting `weights` that name no file."""


def build(config: ModelConfig, classes: int, seed: int, world: World = ALONE) -> keras.Model:
    """Build the model of a run, with reproducible initial weights on every device.

    Args:
        config: Architecture, weights and precision.
        classes: Number of logits.
        seed: Seed of the initial weights.
        world: The processes that train together.
    """
    keras.utils.clear_session()
    # Clearing the session also ends any distribution.
    distribute(world)
    keras.utils.set_random_seed(seed)
    return build_classifier(
        config.arch,
        classes,
        image_size=config.image_size,
        color=COLOR,
        weights=config.weights,
        trainable_layers=config.trainable_layers,
        dropout=config.dropout,
        precision=config.precision,
    )


def load_mirror_partner(
    path: Path, arch: str, labels: tuple[str, ...], input_shape: tuple[int | None, ...]
) -> keras.Model:
    """Load the classifier of the unmirrored image for a flip-averaging model.

    Args:
        path: A .keras file.
        arch: Architecture of the run.
        labels: Labels of the run.
        input_shape: Input shape of the trained model, with the batch axis.

    Raises:
        ModelError: The file is missing or damaged, or has another architecture, other labels or
            another input.
    """
    model, metadata = load_model(path)
    found = (metadata.architecture, ", ".join(metadata.labels), model.input_shape[1:])
    expected = (arch, ", ".join(labels), input_shape[1:])
    if found != expected:
        raise ModelError(
            f"{path}: the mirror partner must have the run's architecture, labels and input: "
            f"{expected[0]}, {expected[1]} and {expected[2]}; it is {found[0]} with {found[1]} and "
            f"{found[2]}"
        )
    return plain_classifier(model)


def with_model_files(config: TrainConfig) -> TrainConfig:
    """Resolve the files that the settings name to absolute paths.

    A run may be resumed from another working folder.

    Raises:
        ModelError: A setting names no model.
    """

    def absolute(named: str, formats: tuple[str, ...] = FORMATS) -> str:
        return str(find_model(named, formats).resolve())

    files: dict[str, Any] = {"teacher": tuple(absolute(named) for named in config.teacher)}
    if config.teacher_probabilities is not None:
        files["teacher_probabilities"] = str(Path(config.teacher_probabilities).resolve())
    if config.mirror_partner is not None:
        files["mirror_partner"] = absolute(config.mirror_partner, ("keras",))
    if config.weights not in WEIGHTS:
        files["weights"] = absolute(config.weights, ("keras", "h5"))
    return config.model_copy(update=files)
