"""Freezes and frees the layers of a backbone."""

import keras

from emorec.errors import ConfigError


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
    # The flag of the whole comes first, for it overwrites those of the layers.
    backbone.trainable = True
    for layer in backbone.layers[:frozen]:
        layer.trainable = False
