"""Finds the parts of a classifier: the plain one inside a flip-averaging one, backbone, layers."""

import keras
from keras import layers, ops

from emorec.errors import ModelError

_FLIP_AVERAGE = "flip_average"


def flip_averaged(model: keras.Model) -> keras.Model:
    """Let a classifier see each image and its mirror image, and give the mean of their logits.

    Args:
        model: Input NHWC; output logits.

    Returns:
        A model of the same input and output that holds the given one.
    """
    shape, name = model.input_shape[1:], model.inputs[0].name
    image = keras.Input(shape, name=name)
    # PyTorch knows no slices of negative step.
    both = [model(image), model(ops.flip(image, axis=2))]
    return keras.Model(image, layers.Average(name=_FLIP_AVERAGE)(both), name=model.name)


def plain_classifier(model: keras.Model) -> keras.Model:
    """Find the classifier that `flip_averaged` was given; any other model is itself."""
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
        if isinstance(layer, keras.Model):
            return layer
    raise ModelError(f"{model.name}: no backbone inside the model; it was not built by emorec")
