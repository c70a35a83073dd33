"""Flip averaging: a classifier whose logits are the mean over an image and its mirror image."""

import keras
from keras import layers, ops

from emorec.errors import ModelError

_FLIP_AVERAGE = "flip_average"
_OF_MIRROR_IMAGE = "_of_mirror_image"
"""End of the name of the second network in models of version 0.1.0."""


def flip_averaged(model: keras.Model) -> keras.Model:
    """Wrap a classifier so that its logits are the mean over an image and its mirror image.

    Args:
        model: Input NHWC; output logits.

    Returns:
        A model of the same input and output that contains the given one.
    """
    shape, name = model.input_shape[1:], model.inputs[0].name
    image = keras.Input(shape, name=name)
    # Not a slice of negative step: PyTorch has none.
    both = [model(image), model(ops.flip(image, axis=2))]
    return keras.Model(image, layers.Average(name=_FLIP_AVERAGE)(both), name=model.name)


def plain_classifier(model: keras.Model) -> keras.Model:
    """Return the classifier inside a flip-averaging one; any other model is returned as it is.

    In a model of version 0.1.0 with a second network for the mirror image, it is the classifier of
    the image itself.

    Raises:
        ModelError: The model averages over mirror images, but contains no classifier.
    """
    if model.layers[-1].name != _FLIP_AVERAGE:
        return model
    for layer in model.layers:
        if isinstance(layer, keras.Model) and not layer.name.endswith(_OF_MIRROR_IMAGE):
            return layer
    raise ModelError(f"{model.name}: no classifier inside the model; it was not built by emorec")
