"""The small residual net for 48x48 grey faces that emorec ships."""

from typing import Any

import keras
from keras import layers

STEM_FILTERS = 32
BLOCKS = ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (128, 1))
"""Filters and stride of each residual block."""

SQUEEZE_REDUCTION = 4

_GATE_BIAS = 3.0  # sigmoid(3) = 0.95: the gates begin open


def _convolution(
    x: Any, filters: int, name: str, kernel: int = 3, stride: int = 1, gamma: str = "ones"
) -> Any:
    x = layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return layers.BatchNormalization(gamma_initializer=gamma, name=f"{name}_norm")(x)


def _squeeze_and_excite(x: Any, name: str) -> Any:
    """Scale each channel by a gate that sees the whole picture (Hu et al. 2018)."""
    filters = x.shape[-1]
    gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
    reduced = filters // SQUEEZE_REDUCTION
    gate = layers.Conv2D(reduced, 1, activation="relu", name=f"{name}_reduce")(gate)
    gate = layers.Conv2D(
        filters,
        1,
        activation="sigmoid",
        kernel_initializer="zeros",
        bias_initializer=keras.initializers.Constant(_GATE_BIAS),
        name=f"{name}_expand",
    )(gate)
    return layers.Multiply(name=f"{name}_scale")([x, gate])


def _block(x: Any, filters: int, stride: int, name: str, gamma: str) -> Any:
    shortcut = x
    if stride != 1 or x.shape[-1] != filters:
        # Averaging before the 1x1 convolution lets the shortcut see every pixel.
        if stride != 1:
            shortcut = layers.AveragePooling2D(stride, padding="same", name=f"{name}_pool")(x)
        shortcut = _convolution(shortcut, filters, f"{name}_shortcut", kernel=1)
    x = _convolution(x, filters, f"{name}_1", stride=stride)
    x = layers.ReLU(name=f"{name}_1_relu")(x)
    x = _convolution(x, filters, f"{name}_2", gamma=gamma)
    x = _squeeze_and_excite(x, name)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, shortcut]))


def compact_features(image: Any) -> Any:
    """Build the layers from a grey image in -1..1 to its feature map.

    A ResNet of basic blocks (He et al. 2016) with squeeze-and-excitation (Hu et al. 2018) at three
    scales behind a two-layer stem.

    Args:
        image: Symbolic tensor, shape (batch, size, size, 1).

    Returns:
        Symbolic tensor, shape (batch, ceil(size / 8), ceil(size / 8), 128).
    """
    x = layers.ReLU(name="stem_1_relu")(_convolution(image, STEM_FILTERS, "stem_1"))
    x = layers.ReLU(name="stem_2_relu")(_convolution(x, STEM_FILTERS, "stem_2", stride=2))
    for number, (filters, stride) in enumerate(BLOCKS, 1):
        # A last block that begins as the identity leaves what it is put behind as it is: the net
        # can start from the weights of a shallower one.
        gamma = "zeros" if number == len(BLOCKS) else "ones"
        x = _block(x, filters, stride, f"block_{number}", gamma)
    return x
