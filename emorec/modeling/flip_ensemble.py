"""Finds the parts of a classifier: the plain one inside a flip-averaging one, backbone, layers."""

import keras
from keras import layers, ops

from emorec.errors import ModelError

_FLIP_AVERAGE = "flip_average"
_OF_MIRROR_IMAGE = "_of_mirror_image"


def flip_averaged(model: keras.Model, other: keras.Model | None = None) -> keras.Model:
    """Let a classifier see each image and its mirror image, and give the mean of their logits.

    Args:
        model: Input NHWC; output logits.
        other: A classifier of the same input and output that sees the mirror image in the place of
            `model`: an ensemble of two at the cost of one that sees both.

    Returns:
        A model of the same input and output that holds the given ones.
    """
    shape, name = model.input_shape[1:], model.inputs[0].name
    image = keras.Input(shape, name=name)
    if other is not None:
        # The two may have the same name, which a model takes only once.
        other = keras.Model(other.inputs, other.outputs[0], name=model.name + _OF_MIRROR_IMAGE)
    # PyTorch knows no slices of negative step.
    both = [model(image), (other or model)(ops.flip(image, axis=2))]
    return keras.Model(image, layers.Average(name=_FLIP_AVERAGE)(both), name=model.name)


def plain_classifier(model: keras.Model) -> keras.Model:
    """Find the classifier that `flip_averaged` was given first; any other model is itself."""
    if model.layers[-1].name != _FLIP_AVERAGE:
        return model
    return _model_inside(model)


def backbone_of(model: keras.Model) -> keras.Model:
    """Find the backbone inside a classifier made by `build_classifier`, flip-averaging or not.

    Raises:
        ModelError: The model has none.
    """
    return _model_inside(plain_classifier(model))


def weighted_layers(model: keras.Model, inside: bool = True) -> list[keras.layers.Layer]:
    """List the layers that hold weights, in the model's order.

    Args:
        model: Any model.
        inside: Models inside the model give their layers; otherwise they are left out.
    """
    found: list[keras.layers.Layer] = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += weighted_layers(layer) if inside else []
        elif layer.weights:
            found.append(layer)
    return found


def _model_inside(model: keras.Model) -> keras.Model:
    for layer in model.layers:
        if isinstance(layer, keras.Model) and not layer.name.endswith(_OF_MIRROR_IMAGE):
            return layer
    raise ModelError(f"{model.name}: no backbone inside the model; it was not built by emorec")
