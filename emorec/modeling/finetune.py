"""Divides a backbone into blocks, and freezes and frees its layers."""

import keras

from emorec.errors import ConfigError
from emorec.modeling.architectures import Architecture


def set_trainable_layers(backbone: keras.Model, count: int) -> None:
    """Let the last layers of a backbone train and freeze those before.

    A frozen batch-normalisation layer runs in inference mode: that is what `trainable = False`
    means for it in Keras.

    Args:
        backbone: The backbone; its own order of `layers` counts.
        count: How many of the last layers train; 0 freezes all, -1 frees all.

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
    # Each layer is told, for on TensorFlow a flag that the whole has already reaches none of them.
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
    """
    starts = list(chosen.groups)
    groups: list[list[keras.layers.Layer]] = [[]]
    for layer in backbone.layers:
        if starts and layer.name.startswith(starts[0]):
            starts.pop(0)
            groups.append([])
        groups[-1].append(layer)
    if starts:
        raise ConfigError(f"{backbone.name} is no {chosen.name}: no layer begins with {starts[0]}")
    return groups
