"""Builds a whole classifier: input, normalisation, backbone and head."""

import contextlib
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import keras
from keras import layers

from emorec.errors import ConfigError, ModelError
from emorec.modeling.architectures import Architecture, architecture
from emorec.modeling.finetune import set_trainable_layers
from emorec.modeling.saved import load_model


def build_classifier(
    arch: str,
    classes: int,
    image_size: int | None = None,
    color: str = "gray",
    weights: str = "none",
    trainable_layers: int | None = None,
    dropout: float = 0.0,
    precision: str = "float32",
) -> keras.Model:
    """Build a classifier.

    Args:
        arch: Name in the registry of architectures.
        classes: Number of logits.
        image_size: Side of the square input in pixels; None takes the architecture's default.
        color: "gray" (one channel, replicated for backbones of three) or "rgb".
        weights: Backbone weights: "none", "imagenet", the path of a .keras model of the same
            architecture, whose backbone is taken, or of a .h5 file of backbone weights.
        trainable_layers: How many of the backbone's last layers train; -1 for all; None for 0
            with pretrained weights and all without.
        dropout: Part of the features dropped before the head, 0 to 1.
        precision: "float32", or "bfloat16" to compute in bfloat16 with float32 weights.

    Returns:
        A functional model; input "image", shape (batch, size, size, channels), float32, 0..255;
        output logits, shape (batch, classes), float32.

    Raises:
        ConfigError: The architecture, the size or the colour does not fit.
        ModelError: The weights cannot be had.
    """
    chosen = architecture(arch)
    size = image_size or chosen.default_size
    if size < chosen.minimum_size:
        raise ConfigError(
            f"{arch} needs images of at least {chosen.minimum_size} pixels; received "
            f"{size}; use --image-size {chosen.minimum_size} or more"
        )
    if color == "rgb" and chosen.channels == 1:
        raise ConfigError(f"{arch} reads grey images only; received color 'rgb'")
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    try:
        image = keras.Input((size, size, 1 if color == "gray" else 3), name="image")
        x: Any = image
        if chosen.channels == 3 and color == "gray":
            x = layers.Concatenate(name="replicate")([x, x, x])
        x = chosen.normalize(x)
        backbone = _backbone(chosen, size, weights)
        x = backbone(x)
        x = layers.GlobalAveragePooling2D(name="pool")(x)
        x = layers.Dropout(dropout, name="dropout")(x)
        logits = layers.Dense(classes, dtype="float32", name="logits")(x)
        model = keras.Model(image, logits, name=arch)
    finally:
        keras.config.set_dtype_policy(previous)
    if trainable_layers is None:
        trainable_layers = -1 if weights == "none" else 0
    set_trainable_layers(backbone, trainable_layers)
    return model


def with_probabilities(model: keras.Model, temperature: float) -> keras.Model:
    """Extend a model of logits by softmax(logits / temperature).

    Returns:
        A model whose outputs are a dictionary of "logits" and "probabilities".
    """
    logits = model.output
    scaled = layers.Rescaling(1 / temperature, name="temperature")(logits)
    probabilities = layers.Softmax(name="probabilities")(scaled)
    return keras.Model(model.input, {"logits": logits, "probabilities": probabilities})


def backbone_of(model: keras.Model) -> keras.Model:
    """Find the backbone inside a classifier made by `build_classifier`.

    Raises:
        ModelError: The model has none.
    """
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            return layer
    raise ModelError(f"{model.name}: no backbone inside the model; it was not built by emorec")


def _backbone(chosen: Architecture, size: int, weights: str) -> keras.Model:
    shape = (size, size, chosen.channels)
    if weights == "imagenet":
        return _imagenet_backbone(chosen, shape)
    backbone = chosen.backbone(shape, None)
    if weights != "none":
        _load_weights(backbone, chosen, Path(weights))
    return backbone


def _load_weights(backbone: keras.Model, chosen: Architecture, path: Path) -> None:
    if not path.is_file():
        raise ModelError(f"{path}: no such weights file; use --weights none, imagenet or a path")
    trained = load_model(path)[0] if path.suffix == ".keras" else None
    try:
        if trained:
            backbone.set_weights(backbone_of(trained).get_weights())
            return
        with warnings.catch_warnings():
            # Keras only warns where a part of the file fits nothing; that part would be random.
            warnings.simplefilter("error")
            backbone.load_weights(path)
    except ModelError:
        raise
    # Keras raises whatever h5py or its own checks raise.
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelError(
            f"{path}: the weights do not fit the {chosen.name} backbone: {reason:.200}"
        ) from error


def _imagenet_backbone(chosen: Architecture, shape: tuple[int, int, int]) -> keras.Model:
    if chosen.imagenet_file is None:
        raise ConfigError(f"{chosen.name} has no ImageNet weights; use --weights none or a path")
    try:
        # Keras tells of its download on standard output, which is for results.
        with contextlib.redirect_stdout(sys.stderr):
            return chosen.backbone(shape, "imagenet")
    except Exception as error:
        home = os.environ.get("KERAS_HOME", "~/.keras")
        place = Path(home).expanduser() / "models" / chosen.imagenet_file
        raise ModelError(
            f"the ImageNet weights of {chosen.name} could not be had (downloading failed, and "
            f"{place} is missing or damaged); put {chosen.imagenet_file} there, or use "
            "--weights PATH or --weights none"
        ) from error
