"""Export of a Keras model as an ONNX file with emorec's metadata."""

import math
import tempfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from emorec.atomic_files import write_bytes
from emorec.export.cost import graph_cost
from emorec.export.graph import write_graph
from emorec.export.parity import HALF_TOLERANCE, TOLERANCE, check_parity
from emorec.images import Image
from emorec.metadata import COST_KEY, METADATA_KEY, ModelMetadata

_MIN_HALVED_SIZE = 1024
"""Constants with fewer values, such as biases, stay float32."""


def export_onnx(
    model: keras.Model,
    metadata: ModelMetadata,
    faces: Image,
    target: Path,
    *,
    half_weights: bool = False,
    before_parity: Callable[[], None] | None = None,
) -> float:
    """Export a model, and write the file if Keras and ONNX Runtime agree.

    Args:
        model: Model of any backend; input float32, NHWC, 0..255; output logits.
        metadata: Metadata to store in the file; the temperature becomes part of the graph.
        faces: Images for the comparison, shape (n, size, size, channels), uint8; noise is added.
        target: The .onnx file, written atomically.
        half_weights: Whether to store the kernels as float16, for half the size. The graph still
            computes in float32: ONNX Runtime casts them once, when it loads the file.
        before_parity: Called between the export and the comparison.

    Returns:
        The largest difference of a probability between Keras and ONNX Runtime.

    Raises:
        ModelError: The exporter failed, the outputs differ, or the logits are constant.
        MissingDependencyError: TensorFlow or the exporter is not installed.
        DataError: The file cannot be written.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        write_graph(model, metadata, path)
        graph = onnx.load(path)
    if half_weights:
        _halve(graph.graph)
    data = _with_metadata(graph, metadata)
    if before_parity:
        before_parity()
    tolerance = HALF_TOLERANCE if half_weights else TOLERANCE
    difference = check_parity(model, metadata, data, faces, tolerance)
    write_bytes(target, data)
    return difference


def _halve(graph: onnx.GraphProto) -> None:
    """Replace every large float32 constant by a float16 constant and a cast."""
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or math.prod(tensor.dims) < _MIN_HALVED_SIZE:
            continue
        name, half = tensor.name, f"{tensor.name}_half"
        values = numpy_helper.to_array(tensor)
        # Values beyond the range of float16 would become infinite.
        limit = np.finfo(np.float16).max
        halved = np.clip(values, -limit, limit).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(halved, half))
        casts.append(helper.make_node("Cast", [half], [name], name=half, to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _with_metadata(graph: onnx.ModelProto, metadata: ModelMetadata) -> bytes:
    for tensor in (*graph.graph.input, *graph.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    graph.producer_name = "emorec"
    graph.producer_version = metadata.created_with
    cost = graph_cost(graph).to_json()
    onnx.helper.set_model_props(graph, {METADATA_KEY: metadata.to_json(), COST_KEY: cost})
    onnx.checker.check_model(graph)
    serialized: bytes = graph.SerializeToString()
    return serialized
