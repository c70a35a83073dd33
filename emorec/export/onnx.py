"""Writes a Keras model as an ONNX file with emorec's metadata."""

import tempfile
from pathlib import Path

import keras
import onnx

from emorec.export.cost import graph_cost
from emorec.export.graph import write_graph
from emorec.export.parity import check_parity
from emorec.files import write_bytes
from emorec.images import Image
from emorec.metadata import COST_KEY, KEY, ModelMetadata


def export_onnx(model: keras.Model, metadata: ModelMetadata, faces: Image, target: Path) -> float:
    """Export a model, check that both agree, and only then write the file.

    Args:
        model: Of any backend; input float32, NHWC, 0..255; output logits.
        metadata: Travels in the file; its temperature becomes part of the graph.
        faces: Images to compare on, shape (n, size, size, channels), uint8; noise is added.
        target: The .onnx file; it is written whole or not at all.

    Returns:
        The largest difference of a probability between Keras and ONNX Runtime.

    Raises:
        ModelError: Both disagree, or the logits are constant.
        MissingDependencyError: TensorFlow or the exporter is not installed.
        DataError: The file cannot be written.
        EmorecError: The exporter failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        write_graph(model, metadata, path)
        data = _with_metadata(path, metadata)
    difference = check_parity(model, metadata, data, faces)
    write_bytes(target, data)
    return difference


def _with_metadata(path: Path, metadata: ModelMetadata) -> bytes:
    graph = onnx.load(path)
    for tensor in (*graph.graph.input, *graph.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    graph.producer_name = "emorec"
    graph.producer_version = metadata.created_with
    cost = graph_cost(graph).to_json()
    onnx.helper.set_model_props(graph, {KEY: metadata.to_json(), COST_KEY: cost})
    onnx.checker.check_model(graph)
    serialized: bytes = graph.SerializeToString()
    return serialized
