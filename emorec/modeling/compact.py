"""The network `compact`: a small residual network for 48x48 grey faces, which emorec ships."""

from typing import Any

from keras import layers

STEM_FILTERS = 32
BLOCKS = ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (128, 1))
"""Filters and stride of each residual block."""

NORM_MOMENTUM = 0.9
"""With Keras's 0.99 the moving statistics lag hundreds of steps, so a short run validates badly."""


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
    return layers.BatchNormalization(
        momentum=NORM_MOMENTUM, gamma_initializer=gamma, name=f"{name}_norm"
    )(x)


def _block(x: Any, filters: int, stride: int, name: str) -> Any:
    shortcut = x
    if stride != 1 or x.shape[-1] != filters:
        # A strided 1x1 convolution would skip pixels; averaging first uses all of them.
        if stride != 1:
            shortcut = layers.AveragePooling2D(stride, padding="same", name=f"{name}_pool")(x)
        shortcut = _convolution(shortcut, filters, f"{name}_shortcut", kernel=1)
    x = _convolution(x, filters, f"{name}_1", stride=stride)
    x = layers.ReLU(name=f"{name}_1_relu")(x)
    # Zero gamma: the initial block equals its shortcut (Goyal et al. 2017, "Accurate, Large
    # Minibatch SGD").
    x = _convolution(x, filters, f"{name}_2", gamma="zeros")
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, shortcut]))


def compact_features(image: Any, width: float = 1) -> Any:
    """Build the layers from a grey image in -1..1 to its feature map.

    A two-layer stem, then a ResNet of basic blocks (He et al. 2016) at three scales.

    Args:
        image: Symbolic tensor, shape (batch, size, size, 1).
        width: Multiplier of the number of filters of every layer.

    Returns:
        Symbolic tensor, shape (batch, ceil(size / 8), ceil(size / 8), 128 * width).
    """
    stem = round(STEM_FILTERS * width)
    x = layers.ReLU(name="stem_1_relu")(_convolution(image, stem, "stem_1"))
    x = layers.ReLU(name="stem_2_relu")(_convolution(x, stem, "stem_2", stride=2))
    for number, (filters, stride) in enumerate(BLOCKS, 1):
        x = _block(x, round(filters * width), stride, f"block_{number}")
    return x
