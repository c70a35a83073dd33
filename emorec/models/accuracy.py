"""Measured accuracy of the shipped emotion models.

The figures belong to the SHA-256 of a file, so they can never be shown for another one.
scripts/measure_models.py writes them.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from emorec import resources
from emorec.errors import ModelError


@dataclass(frozen=True)
class ModelAccuracy:
    """Accuracy of a model on PublicTest of FER+, with its own default prior.

    Attributes:
        accuracy: Share of the images that are classified as the majority of the annotators did.
        balanced_accuracy: Mean of this share over the classes.
        images: Number of images.
    """

    accuracy: float
    balanced_accuracy: float
    images: int


def accuracy_path() -> Path:
    """Return the path of the file with the figures."""
    return resources.shipped_model().with_name("accuracy.json")


def measured_accuracy() -> dict[str, ModelAccuracy]:
    """Return the accuracy of the shipped emotion models, by the SHA-256 of their files.

    Raises:
        ModelError: The file with the figures is missing or damaged.
    """
    path = accuracy_path()
    try:
        found = json.loads(path.read_text("utf-8"))
        return {
            entry["sha256"]: ModelAccuracy(
                float(entry["accuracy"]), float(entry["balanced_accuracy"]), int(entry["images"])
            )
            for entry in found["models"].values()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: {error}; reinstall emorec") from error
