"""Opens the data set of a run, selects its examples and decodes their images."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from emorec.datasets.class_checks import require_classes
from emorec.datasets.image_cache import cached_images
from emorec.datasets.manifest import Examples, PreparedDataset, read_prepared
from emorec.datasets.prepared_files import is_burst
from emorec.datasets.readers.rows import TRAIN, VALIDATION
from emorec.datasets.readers.shared import PIXEL_USAGES
from emorec.datasets.summary_file import Framing, framing_of, read_summary
from emorec.images import Image
from emorec.training.config_groups import DataConfig, OutputConfig
from emorec.training.training_progress import StepProgressCallback

COLOR = "gray"
"""Facial-expression data sets are grey; colour images are converted to grey for these models."""

INTERPOLATION = "area"

ReadImages = Callable[..., Image]
"""A function with the parameters and the result of `cached_images`."""


@dataclass(frozen=True)
class DataUse:
    """How a run uses the images of its data set.

    Attributes:
        held_out: Split of the images on which the model of the run is measured.
        validates: Whether it is measured on them after every epoch, and the best epoch counts.
            Otherwise there is no early stopping, and the last epoch counts.
        read_images: Decodes images.
    """

    held_out: str = "validation"
    validates: bool = True
    read_images: ReadImages = cached_images


USUAL = DataUse()
"""The run is validated on the validation split."""


@dataclass(frozen=True)
class RunData:
    """Examples of a run with their decoded images, uint8, shape (n, size, size, channels).

    Attributes:
        train: Training examples.
        train_images: Their images.
        validation: Examples on which the model is measured.
        validation_images: Their images.
        validates: As in `DataUse`.
    """

    train: Examples
    train_images: Image
    validation: Examples
    validation_images: Image
    validates: bool = True

    @property
    def images_by_epoch(self) -> int:
        """Number of images on which the model is measured after every epoch."""
        return len(self.validation_images) if self.validates else 0

    def sample(self, train: int, validation: int) -> "RunData":
        """Return the first examples of each split, at most so many."""
        return replace(
            self,
            train=_first(self.train, train),
            train_images=self.train_images[:train],
            validation=_first(self.validation, validation),
            validation_images=self.validation_images[:validation],
        )


def _first(examples: Examples, count: int) -> Examples:
    return examples.chosen(np.arange(min(count, len(examples.paths))))


_OWN = ("csv", "fer2013-folders", "folders", "hf")
"""Sources in the summary of a prepared data set that need not be published ones."""


def open_dataset(config: DataConfig, root: Path) -> PreparedDataset:
    """Read the data set of a run, with the groups of its settings.

    Where emorec holds images out for validation, it holds out whole groups.

    Args:
        config: Settings of the run.
        root: A prepared data set or a FER-2013 folder tree.

    Raises:
        ConfigError, DataError: As for `emorec.datasets.manifest.read_prepared`.
    """
    return read_prepared(root, config.group_by)


def knows_people(dataset: PreparedDataset) -> bool:
    """Return whether a data set says who is on an image; bursts of near duplicates do not."""
    names = [] if dataset.groups is None else dataset.groups.tolist()
    return any(name and not is_burst(name) for name in names)


def people_note(dataset: PreparedDataset) -> tuple[int, str]:
    """Say whether people may be both in train and in validation, and what follows from it.

    Returns:
        A level of `logging` and a line: a warning where the user can act on it.
    """
    groups = dataset.groups
    if groups is None or not knows_people(dataset):
        level = logging.INFO if _is_published(dataset) else logging.WARNING
        return level, (
            "it is not known who is on which image: the same person may be in train and in "
            "validation, and then metrics look better than they are for new people; keep people "
            "together with --group-by, as docs/datasets.md describes under People"
        )
    train, validation = (
        set(groups[dataset.splits == split].tolist()) - {""} for split in (TRAIN, VALIDATION)
    )
    if shared := len(train & validation):
        return logging.WARNING, (
            f"{shared:,} {'person is' if shared == 1 else 'people are'} in train and in "
            "validation: metrics look better than they are for new people"
        )
    return logging.INFO, f"{len(train):,} groups in train, {len(validation):,} in validation"


def _is_published(dataset: PreparedDataset) -> bool:
    """Return whether a data set is one whose publishers name no people, or keep them together."""
    sources = str(read_summary(dataset.root).get("source") or _OWN[0]).split(", ")
    own = [source for source in sources if re.sub(r"-\d+$", "", source) in _OWN]
    if dataset.votes is not None or not own:
        return True
    # The folders of FER-2013 have names such as train/angry/Training_3908.jpg.
    return all(
        path.rpartition("/")[2].startswith(tuple(f"{usage}_" for usage in PIXEL_USAGES))
        for path in dataset.paths[:100].tolist()
    )


def select(
    config: DataConfig, dataset: PreparedDataset, held_out: str = USUAL.held_out
) -> tuple[Examples, Examples]:
    """Select the training and validation examples of a run.

    The validation labels are the majority of the votes where the data set has votes (the FER+
    protocol), whatever the training labels are.

    Args:
        config: Settings of the data.
        dataset: The data set.
        held_out: Split of the validation examples.

    Raises:
        ConfigError: The data set has no votes, which the settings need.
        DataError: A split has no labelled image, or `require_classes` refuses the classes.
    """
    soft = config.labels == "soft" or draws_labels(config, dataset)
    if dataset.votes is None:
        images = zip(dataset.splits.tolist(), dataset.labels.tolist(), strict=True)
        grouped = dataset.groups is not None
        require_classes(dataset.root, images, dataset.drawn, grouped)
    train = dataset.examples("train", config.policy, config.classes, soft)
    if dataset.votes is None:
        # A folder tree without votes may have any number of labels of its own.
        validation = dataset.examples(held_out)
    else:
        validation = dataset.examples(held_out, "majority", len(train.class_names))
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
    use: DataUse = USUAL,
) -> RunData:
    """Decode the images of both splits, or read them from the image cache.

    Args:
        train: Training examples.
        validation: Validation examples.
        size: Side of the model's input in pixels.
        progress: Called during the decoding.
        use: How the run uses the images.

    Raises:
        DataError: Images are missing or unreadable.
    """

    def decoding(done: int, total: int) -> None:
        if progress:
            progress("decoding", done, total)

    train_images, validation_images = (
        use.read_images(examples.paths, size, COLOR, INTERPOLATION, decoding)
        for examples in (train, validation)
    )
    return RunData(train, train_images, validation, validation_images, use.validates)


class SharedImages:
    """Decodes all images of a data set once, for several runs of which each takes a part.

    Otherwise the image cache would hold the images of each run.
    """

    def __init__(self, paths: Sequence[Path]):
        """Store the paths of all images."""
        self._paths = list(paths)
        self._places = {path: place for place, path in enumerate(self._paths)}
        self._images: Image | None = None

    def __call__(self, paths: Sequence[Path], *arguments: Any) -> Image:
        """Return images of some paths; parameters and result are those of `cached_images`."""
        if self._images is None:
            self._images = cached_images(self._paths, *arguments)
        if list(paths) == self._paths:
            return self._images
        return self._images[[self._places[path] for path in paths]]
