"""Freezing of backbone layers, and their division into blocks."""

import keras

from emorec.errors import ConfigError
from emorec.modeling.architectures import Architecture


def set_trainable_layers(backbone: keras.Model, count: int) -> None:
    """Make the last layers of a backbone trainable and freeze the others.

    In Keras a batch-normalisation layer with `trainable = False` runs in inference mode.

    Args:
        backbone: The backbone; the order is that of its `layers`.
        count: Number of the last layers that train; 0 freezes all, -1 none.

    Raises:
        ConfigError: The count is below -1 or above the number of layers.
    """
    total = len(backbone.layers)
    if not -1 <= count <= total:
        raise ConfigError(
            f"trainable layers must be -1 (all) to {total}, the layers of {backbone.name}; "
            f"received {count}"
        )
    frozen = 0 if count == -1 else total - count
    # Set on each layer too: on TensorFlow a value that the backbone already has reaches none.
    backbone.trainable = True
    for index, layer in enumerate(backbone.layers):
        layer.trainable = index >= frozen


def layer_groups(chosen: Architecture, backbone: keras.Model) -> list[list[keras.layers.Layer]]:
    """Divide the layers of a backbone into the blocks of its architecture.

    Args:
        chosen: The architecture.
        backbone: Its backbone.

    Returns:
        The layers of each block, in the backbone's order, from input to output.

    Raises:
        ConfigError: The backbone is of another architecture.
    """
    starts = list(chosen.groups)
    groups: list[list[keras.layers.Layer]] = [[]]
    for layer in backbone.layers:
        if starts and layer.name.startswith(starts[0]):
            starts.pop(0)
            groups.append([])
        groups[-1].append(layer)
    if starts:
        raise ConfigError(
            f"{backbone.name} is not a {chosen.name}: no layer name begins with {starts[0]}"
        )
    return groups
