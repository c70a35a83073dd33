"""The table of architectures: backbone, normalisation, input sizes and blocks of each.

To add one, write its module (a network of Keras needs none) and a row here, and run
`python scripts/measure_architectures.py`.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers, ops

from emorec.modeling.architecture_summary import named_architecture
from emorec.modeling.compact import compact_features
from emorec.modeling.vgg13 import vgg13_features

# Channel means of ImageNet in BGR order, used to train the Caffe models.
_CAFFE_MEANS_BGR = (103.939, 116.779, 123.68)

# Channel means and standard deviations of ImageNet in RGB order, values 0..1.
_TORCH_MEANS = (0.485, 0.456, 0.406)
_TORCH_DEVIATIONS = (0.229, 0.224, 0.225)

_NOTOP = "weights_tf_dim_ordering_tf_kernels_notop.h5"


def _caffe(image: Any) -> Any:
    """Convert RGB 0..255 to BGR and subtract the means, as keras's "caffe" mode."""
    offset = [-mean for mean in _CAFFE_MEANS_BGR]
    return layers.Rescaling(1.0, offset=offset, name="normalize")(ops.flip(image, axis=-1))


def _signed_unit(image: Any) -> Any:
    """Scale 0..255 to -1..1, as keras's "tf" mode."""
    return layers.Rescaling(1 / 127.5, offset=-1.0, name="normalize")(image)


def _torch(image: Any) -> Any:
    """Standardise RGB 0..255 by the statistics of ImageNet, as keras's "torch" mode."""
    scale = [1 / (255 * deviation) for deviation in _TORCH_DEVIATIONS]
    pairs = zip(_TORCH_MEANS, _TORCH_DEVIATIONS, strict=True)
    offset = [-mean / deviation for mean, deviation in pairs]
    return layers.Rescaling(scale, offset=offset, name="normalize")(image)


def _own(name: str, features: Callable[[Any], Any]) -> Callable[..., keras.Model]:
    def build(input_shape: tuple[int, int, int], weights: str | None) -> keras.Model:
        image = keras.Input(input_shape)
        return keras.Model(image, features(image), name=name)

    return build


def _application(name: str, **options: Any) -> Callable[..., keras.Model]:
    def build(input_shape: tuple[int, int, int], weights: str | None) -> keras.Model:
        builder = getattr(keras.applications, name)
        return builder(include_top=False, weights=weights, input_shape=input_shape, **options)

    return build


def _without_preprocessing(name: str) -> Callable[..., keras.Model]:
    # Keras's exporter turns the normalisation inside these networks into extra, unfed inputs.
    return _application(name, include_preprocessing=False)


@dataclass(frozen=True)
class Architecture:
    """One architecture, a row of the table.

    Attributes:
        name: Name on the command line.
        backbone: Function that builds the backbone from an input shape (height, width, channels)
            and "imagenet" or None; its output is a feature map or a vector of features.
        normalize: Layers from values 0..255 to the input range of the backbone.
        groups: First layer of each block after the first block, from input to output: the name of
            the layer, or its beginning. The layers before `groups[0]` are the first block.
        imagenet_file: Keras's file of ImageNet weights; None where Keras publishes none.
        channels: Channels of the backbone's input; grey images are replicated to three.
        minimum_size: Smallest side of the input in pixels.
        default_size: Default side of the input in pixels.
    """

    name: str
    backbone: Callable[..., keras.Model]
    normalize: Callable[[Any], Any]
    groups: tuple[str, ...]
    imagenet_file: str | None = None
    channels: int = 3
    minimum_size: int = 32
    default_size: int = 96


def _numbered(text: str, first: int, last: int) -> tuple[str, ...]:
    return tuple(text.format(number) for number in range(first, last + 1))


_COMPACT_GROUPS = _numbered("block_{}_", 1, 6)
_RESNET_GROUPS = _numbered("conv{}_block1", 2, 5)

_ALL = (
    Architecture(
        "compact",
        _own("compact", compact_features),
        _signed_unit,
        _COMPACT_GROUPS,
        channels=1,
        minimum_size=16,
        default_size=48,
    ),
    Architecture(
        "nano",
        _own("nano", functools.partial(compact_features, width=0.5)),
        _signed_unit,
        _COMPACT_GROUPS,
        channels=1,
        minimum_size=16,
        default_size=48,
    ),
    Architecture(
        "compact-wide",
        _own("compact_wide", functools.partial(compact_features, width=2)),
        _signed_unit,
        _COMPACT_GROUPS,
        channels=1,
        minimum_size=16,
        default_size=48,
    ),
    Architecture(
        "vgg13",
        _own("vgg13", vgg13_features),
        _signed_unit,
        (*_numbered("block{}_conv1", 2, 4), "flatten"),
        channels=1,
        minimum_size=16,
        default_size=64,
    ),
    Architecture(
        "vgg16",
        _application("VGG16"),
        _caffe,
        _numbered("block{}_conv1", 2, 5),
        f"vgg16_{_NOTOP}",
    ),
    Architecture(
        "resnet50", _application("ResNet50"), _caffe, _RESNET_GROUPS, f"resnet50_{_NOTOP}"
    ),
    Architecture(
        "resnet50v2",
        _application("ResNet50V2"),
        _signed_unit,
        _RESNET_GROUPS,
        f"resnet50v2_{_NOTOP}",
    ),
    Architecture(
        "xception",
        _application("Xception"),
        _signed_unit,
        _numbered("block{}_sepconv1", 2, 14),
        f"xception_{_NOTOP}",
        minimum_size=71,
    ),
    Architecture(
        "inceptionv3",
        _application("InceptionV3"),
        _signed_unit,
        _numbered("mixed{}", 0, 8),
        f"inception_v3_{_NOTOP}",
        minimum_size=75,
    ),
    Architecture(
        "densenet121",
        _application("DenseNet121"),
        _torch,
        _RESNET_GROUPS,
        f"densenet121_{_NOTOP}",
    ),
    Architecture(
        "mobilenetv3small",
        _without_preprocessing("MobileNetV3Small"),
        _signed_unit,
        ("expanded_conv_", *_numbered("expanded_conv_{}_", 1, 10), "conv_1"),
        "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
    ),
    Architecture(
        "mobilenetv3large",
        _without_preprocessing("MobileNetV3Large"),
        _signed_unit,
        ("expanded_conv_", *_numbered("expanded_conv_{}_", 1, 14), "conv_1"),
        "weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
    ),
    Architecture(
        "efficientnetv2b0",
        _without_preprocessing("EfficientNetV2B0"),
        _torch,
        (*_numbered("block{}a_", 1, 6), "top_conv"),
        "efficientnetv2-b0_notop.h5",
    ),
)

ARCHITECTURES = {architecture.name: architecture for architecture in _ALL}


def architecture(name: str) -> Architecture:
    """Return the architecture of a name, in any case.

    Raises:
        ConfigError: The table has no such name.
    """
    return named_architecture(ARCHITECTURES, name)
