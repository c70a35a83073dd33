"""Quantisation of ONNX models to 8-bit integers, by ONNX Runtime and calibration images.

Static quantisation after training: calibration images show the range of each tensor, and the graph
then holds QuantizeLinear and DequantizeLinear (QDQ) around the operators, which ONNX Runtime fuses
into integer kernels. https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from emorec import __version__
from emorec.errors import ModelError
from emorec.export.cost import graph_cost
from emorec.images import Image
from emorec.inference.base import Floats
from emorec.inference.classifier import EmotionClassifier
from emorec.inference.onnx_runtime import onnxruntime
from emorec.metadata import COST_KEY, METADATA_KEY

VERSION_SUFFIX = "+int8"
"""Added to the version in the metadata, so that results name the model that computed them."""

_BATCH = 32
_PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_BETWEEN = ("Add", "Clip", "MaxPool", "Relu")
"""Operators between products that are quantised too; others are computed in float32."""

_QUANTIZED = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
_FATAL_ONLY = 4


def quantize(source: Path, images: Image, changes: Mapping[str, Any] | None = None) -> bytes:
    """Quantise a model to 8-bit integers.

    Weights become int8 (-64..64) with a scale for each output channel, activations uint8; the
    normalisation of the input and the head stay float32. Inputs, outputs and metadata stay as they
    are, except that the version ends in `VERSION_SUFFIX`.

    Args:
        source: An ONNX file with emorec's metadata; its weights may be stored as float16.
        images: Calibration images, shape (n, size, size, channels), uint8, RGB order. They should
            be images of the training data.
        changes: Arguments of ONNX Runtime's `quantize_static` that override those chosen here, for
            comparisons.

    Returns:
        The content of the quantised ONNX file.

    Raises:
        ModelError: The file is missing, damaged, unsafe or quantised already, or ONNX Runtime
            cannot quantise it.
    """
    classifier = EmotionClassifier(source)  # refuses what is unsafe to load
    model = onnx.load_model_from_string(source.read_bytes())
    if any(node.op_type in _QUANTIZED for node in model.graph.node):
        raise ModelError(
            f"{source}: the model is quantised already; quantise the model it was made from"
        )
    try:
        quantized = _quantized(model, images, changes or {})
    except Exception as error:  # ONNX Runtime's errors have no common base class
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(f"{source}: ONNX Runtime cannot quantise it: {reason:.200}") from error
    if not any(node.op_type in _QUANTIZED for node in quantized.graph.node):
        raise ModelError(f"{source}: the model has no layer before its last one to quantise")
    metadata = classifier.metadata
    metadata = metadata.replaced(
        version=metadata.version + VERSION_SUFFIX, created_with=__version__
    )
    cost = classifier.cost or graph_cost(model)
    del quantized.metadata_props[:]
    properties = {METADATA_KEY: metadata.to_json(), COST_KEY: cost.to_json()}
    onnx.helper.set_model_props(quantized, properties)
    quantized.producer_name, quantized.producer_version = "emorec", __version__
    onnx.checker.check_model(quantized)
    serialized: bytes = quantized.SerializeToString()
    return serialized


def _quantized(
    model: onnx.ModelProto, images: Image, changes: Mapping[str, Any]
) -> onnx.ModelProto:
    """Quantise a graph."""
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    with tempfile.TemporaryDirectory() as folder:
        plain, target = Path(folder) / "plain.onnx", Path(folder) / "int8.onnx"
        folded = _folded(model, plain)
        add_pre_process_metadata(folded)  # otherwise quantize_static logs advice to do it
        onnx.save(folded, plain)
        settings = {
            "quant_format": QuantFormat.QDQ,
            "op_types_to_quantize": [*_PRODUCTS, *_BETWEEN],
            "nodes_to_exclude": _exact_nodes(folded.graph),
            "per_channel": True,
            # Weights of 7 bits: processors with AVX2 but without VNNI add pairs of products in 16
            # bits, which would saturate silently.
            "reduce_range": True,
            # On x86, signed activations are much slower.
            "activation_type": QuantType.QUInt8,
            "weight_type": QuantType.QInt8,
            "calibrate_method": CalibrationMethod.MinMax,
            **changes,
        }
        quantize_static(plain, target, _CalibrationImages(images), **settings)
        return onnx.load(target)


def _exact_nodes(graph: onnx.GraphProto) -> list[str]:
    """Name the nodes that stay float32: those before the first product, and the head.

    They cost hardly any time, but their rounding would reach every result. The head is the product
    that computes the logits with all that follows it.
    """
    names: list[str] = []
    computed: set[str] = set()
    made_by: dict[str, onnx.NodeProto] = {}
    for node in graph.node:
        made_by.update(dict.fromkeys(node.output, node))
        if node.op_type in _PRODUCTS or computed.intersection(node.input):
            computed.update(node.output)
        else:
            names.append(node.name)
    pending, seen = ["logits"], set[str]()
    while pending:
        node = made_by.get(pending.pop())
        if node is None or node.name in seen:
            continue
        seen.add(node.name)
        if node.op_type not in _PRODUCTS:
            pending += node.input
    head = {"logits"}
    for node in graph.node:
        if head.intersection(node.input):
            head.update(node.output)
            seen.add(node.name)
    return [*names, *seen]


def _folded(model: onnx.ModelProto, file: Path) -> onnx.ModelProto:
    """Compute constants, such as the casts of float16 weights, and merge normalisations.

    The quantiser needs weights that are float32 constants.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(file)
    options.log_severity_level = _FATAL_ONLY
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", os.devnull
    )
    onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    folded = onnx.load(file)
    for number, node in enumerate(folded.graph.node):
        node.name = f"node_{number}"  # nodes may lack a name, and are excluded by it
    # ONNX Runtime declares every set of operators that it knows.
    used = {node.domain for node in folded.graph.node}
    imports = [entry for entry in folded.opset_import if entry.domain in used]
    del folded.opset_import[:]
    folded.opset_import.extend(imports)
    return folded


class _CalibrationImages:
    """Yields batches of the calibration images, as `CalibrationDataReader` of ONNX Runtime does."""

    def __init__(self, images: Image) -> None:
        self._batches = self._all(images)

    @staticmethod
    def _all(images: Image) -> Iterator[dict[str, Floats]]:
        for start in range(0, len(images), _BATCH):
            yield {"image": images[start : start + _BATCH].astype(np.float32)}

    def get_next(self) -> dict[str, Floats] | None:
        """Return the next batch; None after the last one."""
        return next(self._batches, None)
