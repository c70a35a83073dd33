"""Tiny ONNX models for tests: one linear layer on a downscaled image."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from emorec.labels import EMOTIONS_8
from emorec.metadata import METADATA_KEY, ModelMetadata
from helpers import metadata_example

METADATA = metadata_example.METADATA.replaced(
    name="tiny", labels=EMOTIONS_8, input_size=48, crop_margin=0.1, temperature=2.0
)


def tiny_model(metadata: ModelMetadata = METADATA, seed: int = 0) -> onnx.ModelProto:
    """Return a model with the contract's tensors; its features are the means of four quarters."""
    size, channels, classes = metadata.input_size, metadata.channels, len(metadata.labels)
    random = np.random.default_rng(seed)
    weights = {
        "weights": random.normal(0, 0.05, (4 * channels, classes)).astype(np.float32),
        "temperature": np.float32(metadata.temperature),
    }
    nodes = [
        helper.make_node("Transpose", ["image"], ["nchw"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "AveragePool",
            ["nchw"],
            ["pooled"],
            kernel_shape=[size // 2] * 2,
            strides=[size // 2] * 2,
        ),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node("Div", ["logits", "temperature"], ["scaled"]),
        helper.make_node("Softmax", ["scaled"], ["probabilities"], axis=1),
    ]
    shapes: dict[str, list[Any]] = {
        "image": ["batch", size, size, channels],
        "logits": ["batch", classes],
        "probabilities": ["batch", classes],
    }
    infos = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    }
    graph = helper.make_graph(
        nodes,
        "tiny",
        [infos["image"]],
        [infos["logits"], infos["probabilities"]],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    set_metadata(model, metadata.to_json())
    return model


def set_metadata(model: onnx.ModelProto, text: str) -> None:
    """Set the emorec metadata of a model."""
    helper.set_model_props(model, {METADATA_KEY: text})


def write_tiny_model(path: Path, metadata: ModelMetadata = METADATA, seed: int = 0) -> Path:
    """Write a tiny model to a file."""
    onnx.save(tiny_model(metadata, seed), path)
    return path


def write_symmetric_model(path: Path, metadata: ModelMetadata = METADATA) -> Path:
    """Write a tiny model whose logits are the same for an image and its mirror image."""
    model = tiny_model(metadata)
    weights = numpy_helper.to_array(model.graph.initializer[0]).copy()
    weights[1::2] = weights[::2]  # right quarters and left ones
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "weights"))
    onnx.save(model, path)
    return path


def write_quadrant_model(path: Path, metadata: ModelMetadata = METADATA) -> Path:
    """Write a model whose "happy" depends on the brightness of the top left quarter alone.

    The logit of "happy" is a tenth of the mean there, less 3; the other logits are 0.
    """
    model = tiny_model(metadata)
    weights = np.zeros((4 * metadata.channels, len(metadata.labels)), np.float32)
    happy = metadata.labels.index("happy")
    weights[::4, happy] = 0.1 / metadata.channels
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "weights"))
    bias = np.where(np.arange(len(metadata.labels)) == happy, -3, 0).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(bias, "bias"))
    product = next(node for node in model.graph.node if node.op_type == "MatMul")
    product.output[0] = "product"
    position = list(model.graph.node).index(product) + 1
    model.graph.node.insert(position, helper.make_node("Add", ["product", "bias"], ["logits"]))
    onnx.save(model, path)
    return path
