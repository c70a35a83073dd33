"""Pretrained weights of classifiers: ImageNet, the shipped model or a file."""

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import keras

from emorec import resources
from emorec.errors import ConfigError, ModelError
from emorec.modeling.architectures import Architecture
from emorec.modeling.classifier_parts import backbone_of, weighted_layers
from emorec.modeling.flip_ensemble import plain_classifier
from emorec.modeling.head_rows import HEAD, HeadRows, copy_rows, match_labels
from emorec.modeling.keras_files import load_model
from emorec.models.initial_weights import find_weights

_log = logging.getLogger(__name__)

_MIN_FILLED_SHARE = 0.5
"""A file that fills a smaller share of the backbone's parameters is of another network."""


def imagenet_backbone(chosen: Architecture, shape: tuple[int, int, int]) -> keras.Model:
    """Build a backbone with the weights that Keras's authors trained on ImageNet.

    Raises:
        ConfigError: Keras publishes none for this architecture.
        ModelError: They are not on this machine and cannot be downloaded.
    """
    if chosen.imagenet_file is None:
        raise ConfigError(f"{chosen.name} has no ImageNet weights; use --weights none or a path")
    try:
        # Keras reports its download on standard output, which is for results.
        with contextlib.redirect_stdout(sys.stderr):
            return chosen.backbone(shape, "imagenet")
    except Exception as error:
        home = os.environ.get("KERAS_HOME", "~/.keras")
        place = Path(home).expanduser() / "models" / chosen.imagenet_file
        raise ModelError(
            f"the ImageNet weights of {chosen.name} cannot be loaded (the download failed, and "
            f"{place} is missing or damaged); put {chosen.imagenet_file} there, or use "
            "--weights PATH or --weights none"
        ) from error


def load_pretrained(
    model: keras.Model,
    chosen: Architecture,
    source: str,
    build: Callable[[int], keras.Model],
    labels: Sequence[str] | None = None,
    label_map: Mapping[str, str] | None = None,
) -> bool:
    """Copy the matching weights of the shipped model or of a file into a classifier.

    Layers are matched in order if all shapes agree, otherwise by name and shape. A layer without
    a match keeps its initial values; a log line names them. The rows of the head are matched by
    label, see `emorec.modeling.head_rows.match_labels`; without labels on one of the two sides, a
    head of another number of classes has no match.

    Args:
        model: A classifier of `chosen`.
        chosen: Its architecture.
        source: "emorec" for the shipped model; a model, see `emorec.models.files.find_model`; or
            the path of the Keras weights of a whole classifier (.weights.h5) or of a backbone
            (.weights.h5, .h5).
        build: Function that builds the same classifier for another number of classes.
        labels: Label of each logit of the model; None if they are unknown.
        label_map: Label of the file by label of the model, where the names differ.

    Returns:
        Whether every layer of the backbone received weights.

    Raises:
        ConfigError: The map names an unknown label, or the file has no labels.
        ModelError: The file is missing, damaged, or of another network.
    """
    path = (
        resources.shipped_keras_model(chosen.name) if source == "emorec" else find_weights(source)
    )
    if path.suffix == ".keras":
        trained, metadata = load_model(path)
        if metadata.architecture != chosen.name:
            raise ModelError(
                f"{path}: the weights do not fit the {chosen.name} backbone: the model is a "
                f"{metadata.architecture}; use --arch {metadata.architecture}, or other weights"
            )
        rows = None
        if labels is not None:
            rows = match_labels(labels, metadata.labels, label_map or {})
        return _copy_weights(model, plain_classifier(trained), chosen, path, rows)
    # A map has no effect on weights without labels, which is an error.
    match_labels(labels or (), None, label_map or {})
    try:
        classes = _classes_of_weights(path)
        if classes is None:
            _load_strictly(backbone_of(model), path)
            return True
        trained = build(classes)
        _load_strictly(trained, path)
    # Keras raises whatever h5py or its own checks raise.
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelError(
            f"{path}: the weights do not fit the {chosen.name} backbone: {reason:.200}"
        ) from error
    return _copy_weights(model, trained, chosen, path)


def _copy_weights(
    model: keras.Model,
    trained: keras.Model,
    chosen: Architecture,
    path: Path,
    rows: HeadRows | None = None,
) -> bool:
    backbone, source = backbone_of(model), backbone_of(trained)
    targets, sources = weighted_layers(backbone), weighted_layers(source)
    if [_shapes(layer) for layer in targets] == [_shapes(layer) for layer in sources]:
        # Keras numbers unnamed layers across models, so their names differ between builds.
        matches = dict(zip((layer.name for layer in targets), sources, strict=True))
    else:
        matches = {layer.name: layer for layer in sources}
    heads = {layer.name: layer for layer in weighted_layers(model, inside=False)}
    matches |= {layer.name: layer for layer in weighted_layers(trained, inside=False)}
    if rows is not None and HEAD in matches and _inputs(matches[HEAD]) == _inputs(heads[HEAD]):
        copy_rows(heads.pop(HEAD), matches[HEAD], rows)
    fitting: list[keras.layers.Layer] = []
    missing: list[keras.layers.Layer] = []
    for layer in [*targets, *heads.values()]:
        match = matches.get(layer.name)
        fits = match is not None and _shapes(match) == _shapes(layer)
        (fitting if fits else missing).append(layer)
    filled = [layer for layer in targets if layer in fitting]
    if sum(layer.count_params() for layer in filled) < _MIN_FILLED_SHARE * backbone.count_params():
        raise ModelError(
            f"{path}: the weights do not fit the {chosen.name} backbone: {len(filled)} of its "
            f"{len(targets)} layers have a match of the same name and shape"
        )
    for layer in fitting:
        layer.set_weights(matches[layer.name].get_weights())
    _log.info("%s: copied the weights of %d layers", path, len(fitting))
    if missing:
        names = ", ".join(layer.name for layer in missing)
        _log.warning("%s has no weights for these layers, which stay untrained: %s", path, names)
    return len(filled) == len(targets)


def _shapes(layer: keras.layers.Layer) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in layer.weights]


def _inputs(head: keras.layers.Layer) -> list[tuple[int, ...]]:
    """Return the shapes of the weights of a head without their last axis, that of the labels."""
    return [shape[:-1] for shape in _shapes(head)]


def _classes_of_weights(path: Path) -> int | None:
    """Return the number of classes of a whole classifier's weights; None for a backbone's."""
    with h5py.File(path, "r") as file:
        layers: Any = file.get("layers")
        if not isinstance(layers, h5py.Group) or "functional" not in layers:
            return None
        kernel: Any = file["layers/dense/vars/0"]
        return int(kernel.shape[1])


def _load_strictly(model: keras.Model, path: Path) -> None:
    with warnings.catch_warnings():
        # Keras only warns about parts that match no layer; those layers would stay random.
        warnings.simplefilter("error")
        model.load_weights(path)
