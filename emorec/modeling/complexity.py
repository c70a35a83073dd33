"""Size and computational cost of the architectures: parameters and multiply-adds."""

import math

import keras

from emorec.modeling.architecture_summary import ArchitectureSummary
from emorec.modeling.architectures import Architecture
from emorec.modeling.build import build_classifier
from emorec.modeling.classifier_parts import weighted_layers


def complexity(chosen: Architecture) -> ArchitectureSummary:
    """Build an architecture and count its parameters and multiply-adds."""
    model = build_classifier(chosen.name, 8)
    return ArchitectureSummary(
        name=chosen.name,
        parameters=model.count_params(),
        multiply_adds=multiply_adds(model),
        default_size=chosen.default_size,
        minimum_size=chosen.minimum_size,
        blocks=len(chosen.groups) + 1,
        imagenet=chosen.imagenet_file is not None,
    )


def multiply_adds(model: keras.Model) -> int:
    """Count the multiply-adds with a weight for one image.

    Convolutions and dense layers count; normalisation, which can be folded into them, activations
    and pooling do not, as is usual (He et al. 2016).

    Args:
        model: A built functional model in which no layer is used twice.
    """
    return sum(_of_layer(layer) for layer in weighted_layers(model))


def trained_share(model: keras.Model) -> float:
    """Return the share of the multiply-adds from the first trainable layer on.

    The backward pass goes through these layers alone. A model without a trainable layer has 0.

    Args:
        model: As for `multiply_adds`.
    """
    layers = weighted_layers(model)
    trains = [index for index, layer in enumerate(layers) if layer.trainable_weights]
    total = sum(map(_of_layer, layers))
    return sum(map(_of_layer, layers[trains[0] :])) / total if trains and total else 0.0


def _of_layer(layer: keras.layers.Layer) -> int:
    kernels = sum(math.prod(weight.shape) for weight in layer.weights if weight.ndim > 1)
    return int(kernels * math.prod(layer.output.shape[1:-1]))
