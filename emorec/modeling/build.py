"""Building of classifiers: input, normalisation, backbone and head."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers, ops

from emorec.errors import ConfigError
from emorec.modeling.architectures import architecture
from emorec.modeling.finetune import set_trainable_layers
from emorec.modeling.head_rows import HEAD
from emorec.modeling.weights import imagenet_backbone, load_pretrained


def build_classifier(
    arch: str,
    classes: int | Sequence[str],
    image_size: int | None = None,
    *,
    color: str = "gray",
    weights: str = "none",
    label_map: Mapping[str, str] | None = None,
    trainable_layers: int | None = None,
    dropout: float = 0.0,
    precision: str = "float32",
) -> keras.Model:
    """Build a classifier.

    Args:
        arch: Name of an architecture.
        classes: Number of logits, or their labels, by which the rows of a trained head are copied.
        image_size: Side of the square input in pixels; the default is the architecture's own.
        color: "gray" (one channel, replicated for backbones of three) or "rgb".
        weights: "none", "imagenet", "emorec" for the shipped model, or a model; see
            `emorec.modeling.weights.load_pretrained`.
        label_map: Label of the trained model by label of this one, where the names differ.
        trainable_layers: Number of the backbone's last layers that train; -1 for all. The default
            is 0 where pretrained weights fill the whole backbone, and all otherwise.
        dropout: Dropout rate before the head, 0 to 1.
        precision: "float32", or "bfloat16" to compute in bfloat16 with float32 weights.

    Returns:
        A functional model; input "image", shape (batch, size, size, channels), float32, 0..255;
        output logits, shape (batch, classes), float32.

    Raises:
        ConfigError: The architecture is unknown, or the size, the colour or the number of
            trainable layers does not suit it; or the label map does not suit the labels.
        ModelError: The weights cannot be loaded.
    """
    chosen = architecture(arch)
    arch = chosen.name
    labels, count = (None, classes) if isinstance(classes, int) else (classes, len(classes))
    size = image_size or chosen.default_size
    if size < chosen.minimum_size:
        raise ConfigError(
            f"{arch} needs images of at least {chosen.minimum_size} pixels; received "
            f"{size}; use --image-size {chosen.minimum_size} or more"
        )
    if color == "rgb" and chosen.channels == 1:
        raise ConfigError(f"{arch} takes grey images only; received color 'rgb'")
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    try:
        image = keras.Input((size, size, 1 if color == "gray" else 3), name="image")
        x: Any = image
        if chosen.channels == 3 and color == "gray":
            x = ops.repeat(x, 3, axis=-1)
        x = chosen.normalize(x)
        shape = (size, size, chosen.channels)
        imagenet = weights == "imagenet"
        backbone = imagenet_backbone(chosen, shape) if imagenet else chosen.backbone(shape, None)
        x = backbone(x)
        if len(x.shape) == 4:
            x = layers.GlobalAveragePooling2D(name="pool")(x)
        x = layers.Dropout(dropout, name="dropout")(x)
        logits = layers.Dense(count, dtype="float32", name=HEAD)(x)
        model = keras.Model(image, logits, name=arch)
    finally:
        keras.config.set_dtype_policy(previous)
    filled = imagenet
    if weights not in ("none", "imagenet"):

        def build(other_classes: int) -> keras.Model:
            return build_classifier(arch, other_classes, size, color=color)

        filled = load_pretrained(model, chosen, weights, build, labels, label_map)
    if trainable_layers is None:
        trainable_layers = 0 if filled else -1
    set_trainable_layers(backbone, trainable_layers)
    return model


def with_probabilities(model: keras.Model, temperature: float) -> keras.Model:
    """Add the output softmax(logits / temperature) to a classifier.

    Returns:
        A model whose output is a dictionary of "logits" and "probabilities", each of shape
        (batch, classes).
    """
    logits = model.output
    scaled = layers.Rescaling(1 / temperature, name="temperature")(logits)
    probabilities = layers.Softmax(name="probabilities")(scaled)
    return keras.Model(model.input, {"logits": logits, "probabilities": probabilities})
