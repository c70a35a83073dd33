"""The network `vgg13` of the FER+ paper: a VGG of 13 layers with dropout after each block."""

from typing import Any

from keras import layers

BLOCKS = ((64, 2), (128, 2), (256, 3), (256, 3))
"""Filters and number of convolutions of each block."""

_UNITS = 1024
_CONVOLUTION_DROPOUT = 0.25
_DENSE_DROPOUT = 0.5


def vgg13_features(image: Any) -> Any:
    """Build the layers from a grey image in -1..1 to the features of the last hidden layer.

    The network of Barsoum et al. 2016, "Training Deep Networks for Facial Expression Recognition
    with Crowd-Sourced Label Distribution", without its last dropout (0.5) and the layer of logits,
    which belong to the head.

    Args:
        image: Symbolic tensor, shape (batch, size, size, 1); the paper's size is 64.

    Returns:
        Symbolic tensor, shape (batch, 1024).
    """
    x = image
    for block, (filters, convolutions) in enumerate(BLOCKS, 1):
        for number in range(1, convolutions + 1):
            x = layers.Conv2D(
                filters,
                3,
                padding="same",
                activation="relu",
                kernel_initializer="he_normal",
                name=f"block{block}_conv{number}",
            )(x)
        x = layers.MaxPooling2D(name=f"block{block}_pool")(x)
        x = layers.Dropout(_CONVOLUTION_DROPOUT, name=f"block{block}_dropout")(x)
    x = layers.Flatten(name="flatten")(x)
    dense = {"activation": "relu", "kernel_initializer": "he_normal"}
    x = layers.Dense(_UNITS, name="dense1", **dense)(x)
    x = layers.Dropout(_DENSE_DROPOUT, name="dense1_dropout")(x)
    return layers.Dense(_UNITS, name="dense2", **dense)(x)
