"""Flip averaging: a classifier whose logits are the mean over an image and its mirror image."""

import keras
from keras import layers, ops

from emorec.errors import ModelError

_FLIP_AVERAGE = "flip_average"
_OF_MIRROR_IMAGE = "_of_mirror_image"


def flip_averaged(model: keras.Model, mirror_partner: keras.Model | None = None) -> keras.Model:
    """Wrap a classifier so that its logits are the mean over an image and its mirror image.

    Args:
        model: Input NHWC; output logits.
        mirror_partner: A classifier of the same input and output that receives the mirror image
            instead of `model`: an ensemble of two at the cost of applying one twice.

    Returns:
        A model of the same input and output that contains the given ones.
    """
    shape, name = model.input_shape[1:], model.inputs[0].name
    image = keras.Input(shape, name=name)
    if mirror_partner is not None:
        # Both may have the same name, and the names inside a model must be unique.
        name = model.name + _OF_MIRROR_IMAGE
        mirror_partner = keras.Model(mirror_partner.inputs, mirror_partner.outputs[0], name=name)
    # Not a slice of negative step: PyTorch has none.
    both = [model(image), (mirror_partner or model)(ops.flip(image, axis=2))]
    return keras.Model(image, layers.Average(name=_FLIP_AVERAGE)(both), name=model.name)


def plain_classifier(model: keras.Model) -> keras.Model:
    """Return the classifier inside a flip-averaging one; any other model is returned as it is.

    Of an ensemble with a mirror partner it is the classifier of the image itself.

    Raises:
        ModelError: The model averages over mirror images, but contains no classifier.
    """
    if model.layers[-1].name != _FLIP_AVERAGE:
        return model
    for layer in model.layers:
        if isinstance(layer, keras.Model) and not layer.name.endswith(_OF_MIRROR_IMAGE):
            return layer
    raise ModelError(f"{model.name}: no classifier inside the model; it was not built by emorec")
