"""Decides, without Keras, what a run takes over from a trained model: its recipe and its head."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from emorec.datasets.manifest import read_prepared
from emorec.modeling.head_rows import HeadRows, match_labels
from emorec.models.initial_weights import initial_metadata
from emorec.training.config import TrainConfig
from emorec.training.config_groups import ModelConfig
from emorec.training.run_data import open_dataset, resolve_labels, select

FINETUNE = "finetune"
"""The default recipe of small data sets."""

MAX_FINETUNE_IMAGES = 5000
"""Data sets with as many training images keep the recipe of the architecture."""


class DefaultRecipe(NamedTuple):
    """A recipe that is used although none was named.

    Attributes:
        name: Name of the recipe.
        reason: Why, in one line, and how to get the other one.
    """

    name: str
    reason: str


def default_recipe(settings: Mapping[str, Any], data_root: Path) -> DefaultRecipe | None:
    """Choose `finetune` for a small data set and a trained model that fills the whole backbone.

    Args:
        settings: The settings that were named, such as weights and arch.
        data_root: A prepared data set or a FER-2013 folder tree.

    Returns:
        None where the recipe of the architecture is the default.

    Raises:
        DataError: The data set is missing or broken.
        ModelError: The weights name no model, or a damaged one.
    """
    named = str(settings.get("weights", "none"))
    arch = settings.get("arch")
    model = initial_metadata(named, "compact" if arch is None else str(arch).lower())
    if model is None or (arch is not None and model.architecture != str(arch).lower()):
        return None
    dataset = read_prepared(data_root)
    images = int(((dataset.splits == "train") & (dataset.labels != "")).sum())
    if images >= MAX_FINETUNE_IMAGES:
        return None
    return DefaultRecipe(
        FINETUNE,
        f"recipe {FINETUNE}, because {model.name} fills the network and {data_root} has {images:,} "
        f"training images, fewer than {MAX_FINETUNE_IMAGES:,}; --recipe {model.architecture} uses "
        "the recipe of the architecture",
    )


def kept_head(config: ModelConfig, labels: Sequence[str]) -> HeadRows | None:
    """Find the rows of the head that a run takes over from its initial weights.

    Args:
        config: The initial weights, their architecture, and the label map.
        labels: Labels of the run, in order.

    Returns:
        None if the initial weights have no labels.

    Raises:
        ConfigError: The label map does not suit the labels.
        ModelError: The weights name no model, or a damaged one.
    """
    model = initial_metadata(config.weights, config.arch)
    trained = None if model is None else model.labels
    return match_labels(labels, trained, config.label_map)


def head_of_data(config: TrainConfig, data_root: Path) -> HeadRows | None:
    """Find the rows of the head that a run on a data set takes over, see `kept_head`.

    Raises:
        ConfigError, DataError, ModelError: The settings, the data or the weights are invalid.
    """
    if not config.label_map and initial_metadata(config.weights, config.arch) is None:
        return None
    dataset = open_dataset(config, data_root)
    resolved = config.model_copy(update=resolve_labels(config, dataset))
    return kept_head(config, select(resolved, dataset)[0].class_names)
