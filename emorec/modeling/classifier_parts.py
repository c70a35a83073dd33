"""Access to the parts of a classifier: its backbone and its layers with weights."""

import keras

from emorec.errors import ModelError
from emorec.modeling.flip_ensemble import plain_classifier


def backbone_of(model: keras.Model) -> keras.Model:
    """Return the backbone of a classifier made by `build_classifier`, flip-averaging or not.

    Raises:
        ModelError: The model has none.
    """
    classifier = plain_classifier(model)
    for layer in classifier.layers:
        if isinstance(layer, keras.Model):
            return layer
    raise ModelError(f"{model.name}: no backbone inside the model; it was not built by emorec")


def weighted_layers(model: keras.Model, inside: bool = True) -> list[keras.layers.Layer]:
    """List the layers that hold weights, in the model's order.

    Args:
        model: Any model.
        inside: Whether the layers of models inside the model count; otherwise they are omitted.
    """
    found: list[keras.layers.Layer] = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += weighted_layers(layer) if inside else []
        elif layer.weights:
            found.append(layer)
    return found
