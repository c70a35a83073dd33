"""Resolves the model files that the settings of a run name, without Keras."""

from pathlib import Path
from typing import Any

from emorec import resources
from emorec.models.files import find_model
from emorec.models.initial_weights import KEYWORDS, SHIPPED, find_weights
from emorec.training.config import TrainConfig


def with_model_files(config: TrainConfig) -> TrainConfig:
    """Resolve the files that the settings name to absolute paths.

    A run may be resumed from another working folder.

    Raises:
        ModelError: A setting names no model.
    """
    teachers = tuple(str(find_model(named).resolve()) for named in config.teacher)
    files: dict[str, Any] = {"teacher": teachers}
    if config.teacher_probabilities is not None:
        path = Path(config.teacher_probabilities)
        if config.teacher_probabilities == SHIPPED:
            path = resources.shipped_teacher_probabilities()
        files["teacher_probabilities"] = str(path.resolve())
    if config.weights not in KEYWORDS:
        files["weights"] = str(find_weights(config.weights).resolve())
    return config.model_copy(update=files)
