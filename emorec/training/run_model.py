"""Builds the model of a run."""

from collections.abc import Sequence

import keras

from emorec.modeling.build import build_classifier
from emorec.training.config_groups import ModelConfig
from emorec.training.distribution import ALONE, World, distribute
from emorec.training.run_data import COLOR


def build(
    config: ModelConfig, classes: int | Sequence[str], seed: int, world: World = ALONE
) -> keras.Model:
    """Build the model of a run, with reproducible initial weights on every device.

    Args:
        config: Architecture, weights and precision.
        classes: Number of logits, or their labels, as for `build_classifier`.
        seed: Seed of the initial weights.
        world: The processes that train together.
    """
    keras.utils.clear_session()
    # Clearing the session also ends any distribution.
    distribute(world)
    keras.utils.set_random_seed(seed)
    return _network(config, classes)


def saved_network(config: ModelConfig, classes: int) -> keras.Model:
    """Build the network of a run as it is saved: in float32 whatever the precision of the training.

    Its weights are to be assigned; other networks of the session stay as they are.

    Args:
        config: Architecture and settings of the run.
        classes: Number of logits.
    """
    return _network(config.model_copy(update={"weights": "none", "precision": "float32"}), classes)


def _network(config: ModelConfig, classes: int | Sequence[str]) -> keras.Model:
    return build_classifier(
        config.arch,
        classes,
        image_size=config.image_size,
        color=COLOR,
        weights=config.weights,
        label_map=config.label_map,
        trainable_layers=config.trainable_layers,
        dropout=config.dropout,
        precision=config.precision,
    )
