"""Selects the examples of a run and decodes their images."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from emorec.datasets.class_checks import require_classes
from emorec.datasets.image_cache import cached_images
from emorec.datasets.manifest import Examples, PreparedDataset
from emorec.datasets.summary_file import Framing, framing_of
from emorec.images import Image
from emorec.training.config_groups import DataConfig, OutputConfig
from emorec.training.training_progress import StepProgressCallback

COLOR = "gray"
"""Facial-expression data sets are grey; colour images are converted to grey for these models."""

INTERPOLATION = "area"


@dataclass(frozen=True)
class RunData:
    """Examples of a run with their decoded images, uint8, shape (n, size, size, channels)."""

    train: Examples
    train_images: Image
    validation: Examples
    validation_images: Image

    def sample(self, train: int, validation: int) -> "RunData":
        """Return the first examples of each split, at most so many."""
        return RunData(
            _first(self.train, train),
            self.train_images[:train],
            _first(self.validation, validation),
            self.validation_images[:validation],
        )


def _first(examples: Examples, count: int) -> Examples:
    return examples.chosen(np.arange(min(count, len(examples.paths))))


def select(config: DataConfig, dataset: PreparedDataset) -> tuple[Examples, Examples]:
    """Select the training and validation examples of a run.

    The validation labels are the majority of the votes where the data set has votes (the FER+
    protocol), whatever the training labels are.

    Raises:
        ConfigError: The data set has no votes, which the settings need.
        DataError: A split has no labelled image, or `require_classes` refuses the classes.
    """
    soft = config.labels == "soft" or draws_labels(config, dataset)
    if dataset.votes is None:
        images = zip(dataset.splits.tolist(), dataset.labels.tolist(), strict=True)
        require_classes(dataset.root, images, dataset.drawn)
    train = dataset.examples("train", config.policy, config.classes, soft)
    if dataset.votes is None:
        # A folder tree without votes may have any number of labels of its own.
        validation = dataset.examples("validation")
    else:
        validation = dataset.examples("validation", "majority", len(train.class_names))
    return train.limited(config.limit), validation.limited(config.limit)


def resolve_labels(config: DataConfig, dataset: PreparedDataset) -> dict[str, Any]:
    """Return the settings that replace `labels: auto` for a data set; none for other labels.

    A data set without votes has hard labels, and no other policy or classes than its own.
    """
    if config.labels != "auto":
        return {}
    if dataset.votes is None:
        return {"labels": "hard", "policy": None, "classes": None}
    return {"labels": "soft"}


def resolve_framing(config: OutputConfig, dataset: PreparedDataset) -> dict[str, Any]:
    """Return the margin and the alignment of face crops: those of the data set where unset."""
    own = framing_of({"faces": dataset.faces}) or Framing(0.0, False)
    return {
        "crop_margin": own.margin if config.crop_margin is None else config.crop_margin,
        "align": own.align if config.align is None else config.align,
    }


def draws_labels(config: DataConfig, dataset: PreparedDataset) -> bool:
    """Check whether one label is drawn from each vote distribution at every use (FER+)."""
    return config.labels == "hard" and (config.policy or dataset.policy) == "probability"


def load(
    train: Examples,
    validation: Examples,
    size: int,
    *,
    progress: StepProgressCallback | None = None,
) -> RunData:
    """Decode the images of both splits, or read them from the image cache.

    Args:
        train: Training examples.
        validation: Validation examples.
        size: Side of the model's input in pixels.
        progress: Called during the decoding.

    Raises:
        DataError: Images are missing or unreadable.
    """

    def decoding(done: int, total: int) -> None:
        if progress:
            progress("decoding", done, total)

    train_images, validation_images = (
        cached_images(examples.paths, size, COLOR, INTERPOLATION, decoding)
        for examples in (train, validation)
    )
    return RunData(train, train_images, validation, validation_images)
