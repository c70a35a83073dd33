"""Builds the model of a run, and resolves the model files that the settings name."""

from pathlib import Path
from typing import Any

import keras

from emorec import resources
from emorec.modeling.build import build_classifier
from emorec.models.files import FORMATS, find_model
from emorec.training.config import TrainConfig
from emorec.training.config_groups import ModelConfig
from emorec.training.distribution import ALONE, World, distribute
from emorec.training.run_data import COLOR

SHIPPED = "emorec"
"""Value of the settings `weights` and `teacher_probabilities` for what emorec ships."""

WEIGHTS = ("none", "imagenet", SHIPPED)
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
        path = Path(config.teacher_probabilities)
        if config.teacher_probabilities == SHIPPED:
            path = resources.shipped_teacher_probabilities()
        files["teacher_probabilities"] = str(path.resolve())
    if config.weights not in WEIGHTS:
        files["weights"] = absolute(config.weights, ("keras", "h5"))
    return config.model_copy(update=files)
