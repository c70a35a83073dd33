"""The registry of architectures: how each is built, normalised, sized and divided."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers, ops

from emorec.errors import ConfigError
from emorec.modeling.compact import compact_features
from emorec.modeling.vgg13 import vgg13_features

# Channel means of ImageNet in BGR order, as the caffe models were trained with.
_CAFFE_MEANS_BGR = (103.939, 116.779, 123.68)

# Channel means and deviations of ImageNet in RGB order and 0..1.
_TORCH_MEANS = (0.485, 0.456, 0.406)
_TORCH_DEVIATIONS = (0.229, 0.224, 0.225)

_NOTOP = "weights_tf_dim_ordering_tf_kernels_notop.h5"


def _caffe(image: Any) -> Any:
    """RGB 0..255 to BGR with the means taken off, as keras's "caffe" mode."""
    offset = [-mean for mean in _CAFFE_MEANS_BGR]
    return layers.Rescaling(1.0, offset=offset, name="normalize")(ops.flip(image, axis=-1))


def _signed_unit(image: Any) -> Any:
    """0..255 to -1..1, as keras's "tf" mode."""
    return layers.Rescaling(1 / 127.5, offset=-1.0, name="normalize")(image)


def _torch(image: Any) -> Any:
    """RGB 0..255 to zero mean and unit deviation over ImageNet, as keras's "torch" mode."""
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


def _with_own_preprocessing(name: str) -> Callable[..., keras.Model]:
    # Keras's exporter gives the normalisation inside these nets inputs of its own.
    return _application(name, include_preprocessing=False)


@dataclass(frozen=True)
class Architecture:
    """One architecture of the registry.

    Attributes:
        name: Name on the command line.
        backbone: Builds the backbone from an input shape (height, width, channels) and
            "imagenet" or None; its output is a feature map, or the features themselves.
        normalize: Layers from values 0..255 to what the backbone expects.
        channels: Channels of the backbone's input; grey images are replicated to fit three.
        minimum_size: Smallest side of the input in pixels.
        default_size: Side of the input unless asked otherwise.
        groups: Where its blocks begin, from input to output: the names of their first layers, or
            what these begin with. The layers before the first of them are a block as well.
        imagenet_file: Keras's file of ImageNet weights, or None where there are none.
    """

    name: str
    backbone: Callable[..., keras.Model]
    normalize: Callable[[Any], Any]
    channels: int
    minimum_size: int
    default_size: int
    groups: tuple[str, ...]
    imagenet_file: str | None = None


def _numbered(text: str, first: int, last: int) -> tuple[str, ...]:
    return tuple(text.format(number) for number in range(first, last + 1))


_RESNET_GROUPS = _numbered("conv{}_block1", 2, 5)

_ALL = (
    Architecture(
        "compact",
        _own("compact", compact_features),
        _signed_unit,
        channels=1,
        minimum_size=16,
        default_size=48,
        groups=_numbered("block_{}_", 1, 6),
    ),
    Architecture(
        "compact-wide",
        _own("compact_wide", functools.partial(compact_features, width=2)),
        _signed_unit,
        channels=1,
        minimum_size=16,
        default_size=48,
        groups=_numbered("block_{}_", 1, 6),
    ),
    Architecture(
        "vgg13",
        _own("vgg13", vgg13_features),
        _signed_unit,
        channels=1,
        minimum_size=16,
        default_size=64,
        groups=(*_numbered("block{}_conv1", 2, 4), "flatten"),
    ),
    Architecture(
        "vgg16",
        _application("VGG16"),
        _caffe,
        channels=3,
        minimum_size=32,
        default_size=96,
        groups=_numbered("block{}_conv1", 2, 5),
        imagenet_file=f"vgg16_{_NOTOP}",
    ),
    Architecture(
        "resnet50",
        _application("ResNet50"),
        _caffe,
        channels=3,
        minimum_size=32,
        default_size=96,
        groups=_RESNET_GROUPS,
        imagenet_file=f"resnet50_{_NOTOP}",
    ),
    Architecture(
        "resnet50v2",
        _application("ResNet50V2"),
        _signed_unit,
        channels=3,
        minimum_size=32,
        default_size=96,
        groups=_RESNET_GROUPS,
        imagenet_file=f"resnet50v2_{_NOTOP}",
    ),
    Architecture(
        "xception",
        _application("Xception"),
        _signed_unit,
        channels=3,
        minimum_size=71,
        default_size=96,
        groups=_numbered("block{}_sepconv1", 2, 14),
        imagenet_file=f"xception_{_NOTOP}",
    ),
    Architecture(
        "inceptionv3",
        _application("InceptionV3"),
        _signed_unit,
        channels=3,
        minimum_size=75,
        default_size=96,
        groups=_numbered("mixed{}", 0, 8),
        imagenet_file=f"inception_v3_{_NOTOP}",
    ),
    Architecture(
        "densenet121",
        _application("DenseNet121"),
        _torch,
        channels=3,
        minimum_size=32,
        default_size=96,
        groups=_RESNET_GROUPS,
        imagenet_file=f"densenet121_{_NOTOP}",
    ),
    Architecture(
        "mobilenetv3small",
        _with_own_preprocessing("MobileNetV3Small"),
        _signed_unit,
        channels=3,
        minimum_size=32,
        default_size=96,
        groups=("expanded_conv_", *_numbered("expanded_conv_{}_", 1, 10), "conv_1"),
        imagenet_file="weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
    ),
    Architecture(
        "mobilenetv3large",
        _with_own_preprocessing("MobileNetV3Large"),
        _signed_unit,
        channels=3,
        minimum_size=32,
        default_size=96,
        groups=("expanded_conv_", *_numbered("expanded_conv_{}_", 1, 14), "conv_1"),
        imagenet_file="weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
    ),
    Architecture(
        "efficientnetv2b0",
        _with_own_preprocessing("EfficientNetV2B0"),
        _torch,
        channels=3,
        minimum_size=32,
        default_size=96,
        groups=(*_numbered("block{}a_", 1, 6), "top_conv"),
        imagenet_file="efficientnetv2-b0_notop.h5",
    ),
)

ARCHITECTURES = {architecture.name: architecture for architecture in _ALL}


def architecture(name: str) -> Architecture:
    """Look an architecture up.

    Raises:
        ConfigError: The name is not in the registry.
    """
    try:
        return ARCHITECTURES[name]
    except KeyError:
        known = ", ".join(ARCHITECTURES)
        raise ConfigError(f"unknown architecture {name!r:.60}; known: {known}") from None
