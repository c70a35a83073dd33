"""Splitting of a classifier: after its frozen layers, or after its last feature map."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from emorec.errors import ModelError
from emorec.modeling.classifier_parts import backbone_of

MIN_MAP_SIDE = 4
"""Smallest height and width of a feature map of which `split_after_feature_map` takes the last."""


@dataclass(frozen=True)
class FeatureExtractorSplit:
    """The two parts of a classifier; they share its layers, so training a part trains the whole.

    Attributes:
        frozen: From images to features; it has no trainable weights.
        trained: From features to the output of the classifier.
        has_dropout: Whether the frozen part contains dropout. It is inactive in `predict`, so
            cached features then differ from those of training the whole classifier.
    """

    frozen: keras.Model
    trained: keras.Model
    has_dropout: bool

    @property
    def feature_bytes(self) -> int:
        """Size of one image's features as float32, in bytes."""
        return int(4 * math.prod(self.frozen.output_shape[1:]))


def split_after_frozen(model: keras.Model) -> FeatureExtractorSplit | None:
    """Split a classifier at the last single tensor before its first trainable layer.

    Args:
        model: A functional classifier with a backbone that is called once; see `build_classifier`.

    Returns:
        The parts; None if no layer before the split has weights.
    """
    backbone = backbone_of(model)
    operations = backbone.operations
    trains = [i for i, op in enumerate(operations) if getattr(op, "trainable_weights", None)]
    if not trains:
        return _split_after_backbone(model, backbone)
    position = _last_single_tensor(operations, trains[0])
    if position is None or not any(getattr(op, "weights", ()) for op in operations[: position + 1]):
        return None
    first, frozen, trained = _parts(model, backbone, operations[position].output)
    return FeatureExtractorSplit(frozen, trained, _has_dropout(first))


def split_after_feature_map(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Split a classifier after the last feature map of `MIN_MAP_SIDE` that all later layers use.

    Args:
        model: A functional classifier with a backbone that is called once; see `build_classifier`.

    Returns:
        Two models that share its layers: from images to the feature map, shape (batch, height,
        width, channels), and from there to the output of the classifier.

    Raises:
        ModelError: The model has no such feature map.
    """
    backbone = backbone_of(model)
    operations = backbone.operations
    position = _last_single_tensor(operations, len(operations), _is_feature_map)
    if not position:  # 0 is the image
        raise ModelError(
            f"{model.name}: the model has no feature map of at least {MIN_MAP_SIDE}x{MIN_MAP_SIDE}"
        )
    _, features, head = _parts(model, backbone, operations[position].output)
    return features, head


def _is_feature_map(operation: Any) -> bool:
    if isinstance(operation, keras.layers.ZeroPadding2D):  # larger than what it shows
        return False
    shape = operation.output.shape
    return len(shape) == 4 and min(shape[1:3]) >= MIN_MAP_SIDE


def _parts(
    model: keras.Model, backbone: keras.Model, tensor: Any
) -> tuple[keras.Model, keras.Model, keras.Model]:
    """Split a classifier at a tensor in its backbone.

    Returns:
        Models from the input of the backbone to the tensor, from images to the tensor, and from the
        tensor to the output of the classifier.
    """
    first = keras.Model(backbone.input, tensor)
    to_tensor = keras.Model(model.input, first(_input_of(model, backbone)))
    start = keras.Input(tensor.shape[1:], dtype=tensor.dtype)
    features = start
    if tensor is not backbone.output:
        features = keras.Model(tensor, backbone.output)(start)
    head = keras.Model(_output_of(model, backbone), model.output)
    return first, to_tensor, keras.Model(start, head(features))


def _split_after_backbone(model: keras.Model, backbone: keras.Model) -> FeatureExtractorSplit:
    names = [layer.name for layer in model.layers]
    # The pooled features are far smaller than the feature map.
    last = model.get_layer("pool").output if "pool" in names else _output_of(model, backbone)
    frozen = keras.Model(model.input, last)
    return FeatureExtractorSplit(frozen, keras.Model(last, model.output), _has_dropout(backbone))


def _last_single_tensor(
    operations: list[Any], end: int, fits: Callable[[Any], bool] = lambda operation: True
) -> int | None:
    """Find the last operation before `end` whose output is all that later operations use.

    Args:
        operations: In topological order.
        end: Position after the last one that counts.
        fits: Whether an operation with one output counts.
    """
    positions = {id(op): i for i, op in enumerate(operations)}
    last_use = list(range(len(operations)))
    for i, op in enumerate(operations):
        for tensor in keras.tree.flatten(op.input) if i else ():
            source = positions[id(tensor._keras_history.operation)]
            last_use[source] = max(last_use[source], i)
    found, reach = None, 0
    for i in range(end):
        operation = operations[i]
        if reach <= i and len(keras.tree.flatten(operation.output)) == 1 and fits(operation):
            found = i
        reach = max(reach, last_use[i])
    return found


def _has_dropout(model: keras.Model) -> bool:
    return any(isinstance(op, keras.layers.Dropout) and op.rate for op in model.operations)


def _node(model: keras.Model, backbone: keras.Model) -> Any:
    """Return the node of the call of the backbone inside the model."""
    return next(
        node
        for nodes in model._nodes_by_depth.values()
        for node in nodes
        if node.operation is backbone
    )


def _input_of(model: keras.Model, backbone: keras.Model) -> Any:
    return _node(model, backbone).input_tensors[0]


def _output_of(model: keras.Model, backbone: keras.Model) -> Any:
    return _node(model, backbone).outputs[0]
