"""The registry of architectures: how each is built, normalised and sized."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from emorec.errors import ConfigError
from emorec.modeling.compact import compact_features

# Channel means of ImageNet in BGR order, as the caffe models were trained with.
_CAFFE_MEANS_BGR = (103.939, 116.779, 123.68)


def _caffe(image: Any) -> Any:
    """RGB 0..255 to BGR with the means taken off, as keras's "caffe" mode."""
    offset = [-mean for mean in _CAFFE_MEANS_BGR]
    return layers.Rescaling(1.0, offset=offset, name="normalize")(image[..., ::-1])


def _signed_unit(image: Any) -> Any:
    """0..255 to -1..1, as keras's "tf" mode."""
    return layers.Rescaling(1 / 127.5, offset=-1.0, name="normalize")(image)


def _compact(input_shape: tuple[int, int, int], weights: str | None) -> keras.Model:
    image = keras.Input(input_shape)
    return keras.Model(image, compact_features(image), name="compact")


def _application(name: str) -> Callable[..., keras.Model]:
    def build(input_shape: tuple[int, int, int], weights: str | None) -> keras.Model:
        builder = getattr(keras.applications, name)
        return builder(include_top=False, weights=weights, input_shape=input_shape)

    return build


@dataclass(frozen=True)
class Architecture:
    """One architecture of the registry.

    Attributes:
        name: Name on the command line.
        backbone: Builds the backbone from an input shape (height, width, channels) and
            "imagenet" or None.
        normalize: Layers from values 0..255 to what the backbone expects.
        channels: Channels of the backbone's input; grey images are replicated to fit three.
        minimum_size: Smallest side of the input in pixels.
        default_size: Side of the input unless asked otherwise.
        imagenet_file: Keras's file of ImageNet weights, or None where there are none.
    """

    name: str
    backbone: Callable[..., keras.Model]
    normalize: Callable[[Any], Any]
    channels: int
    minimum_size: int
    default_size: int
    imagenet_file: str | None


_ALL = (
    Architecture("compact", _compact, _signed_unit, 1, 16, 48, None),
    Architecture(
        "vgg16",
        _application("VGG16"),
        _caffe,
        3,
        32,
        96,
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
    Architecture(
        "resnet50",
        _application("ResNet50"),
        _caffe,
        3,
        32,
        96,
        "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
    Architecture(
        "xception",
        _application("Xception"),
        _signed_unit,
        3,
        71,
        96,
        "xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
    Architecture(
        "inceptionv3",
        _application("InceptionV3"),
        _signed_unit,
        3,
        75,
        96,
        "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
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
