"""Builds the graph of an adopted model: emorec's input and outputs around a foreign graph.

The foreign operators stay as they are. Operators before them convert the image, and operators after
them compute the logits and probabilities.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from emorec.errors import EmorecError, ModelError
from emorec.export.cost import graph_cost
from emorec.export.foreign_graph import InputForm
from emorec.metadata import COST_KEY, METADATA_KEY, ModelMetadata

OUTPUTS = ("logits", "probabilities")

MIN_OPSET = 8
"""The oldest operators among those added that broadcast are of this opset."""

SMALLEST_PROBABILITY = 1e-7
"""The logarithm of a smaller one is that of this one."""

_PREFIX = "adopted/"


@dataclass(frozen=True)
class ForeignModel:
    """What a foreign model expects and returns, as far as its file does not state it.

    The model receives (image * scale - mean) / std, with the image in 0..255.

    Attributes:
        metadata: The metadata to write. Its labels are in the order of the output; its size and
            colour are replaced by those of the input.
        size: Side of the input in pixels; None if the file states it.
        color: "gray", "rgb" or "bgr"; None for gray with one channel. A grey image is repeated for
            an input of three channels.
        layout: "nhwc" or "nchw"; None if it follows from the shape of the input.
        scale: Factor of the image.
        mean: One number, or one for each channel in the order of the model.
        std: The same; not 0.
        output: "logits" or "probabilities"; None to find out from the values.
        output_name: Name of the output; None for the one with as many values as labels.
    """

    metadata: ModelMetadata
    size: int | None = None
    color: str | None = None
    layout: str | None = None
    scale: float = 1.0
    mean: Sequence[float] = (0.0,)
    std: Sequence[float] = (1.0,)
    output: str | None = None
    output_name: str | None = None


@dataclass(frozen=True)
class GraphWrapper:
    """Builds the adopted model.

    Attributes:
        source: The foreign file, for messages.
        data: Its content.
        form: Its input.
        model: What it expects and returns.
        output: Name of its output.
        metadata: The metadata to write.
    """

    source: Path
    data: bytes
    form: InputForm
    model: ForeignModel
    output: str
    metadata: ModelMetadata

    def wrapped(self, kind: str) -> bytes:
        """Return the adopted model.

        Args:
            kind: What the foreign output is, one of `OUTPUTS`.

        Raises:
            ModelError: The file is not valid ONNX.
        """
        try:
            return self._built(kind)
        # The package raises errors of its own and of protobuf, which have no common base class.
        except Exception as error:
            reason = " ".join(str(error).split())
            raise ModelError(f"{self.source}: not a valid ONNX model: {reason:.200}") from error

    def _built(self, kind: str) -> bytes:
        whole = onnx.load_from_string(self.data)
        opset = next((each.version for each in whole.opset_import if not each.domain), 0)
        if opset < MIN_OPSET:
            raise ValueError(
                f"its opset is {opset}, and emorec needs {MIN_OPSET} or later; convert it with "
                "onnx.version_converter"
            )
        types = {
            tensor.name: tensor.type.tensor_type.elem_type
            for tensor in (*whole.graph.input, *whole.graph.output)
        }
        _free_batch(whole.graph, self.form)
        compose.add_prefix(whole, _PREFIX, inplace=True)
        graph = whole.graph
        constants, before = self._input_nodes(types[self.form.name])
        more, after = self._output_nodes(kind)
        nodes = [*before, *graph.node, *after]
        del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:]
        graph.node.extend(nodes)
        graph.initializer.extend(
            numpy_helper.from_array(np.asarray(value), name)
            for name, value in (constants | more).items()
        )
        size, channels = self.metadata.input_size, self.metadata.channels
        classes = len(self.metadata.labels)
        graph.input.append(_tensor("image", ["batch", size, size, channels]))
        graph.output.extend(_tensor(name, ["batch", classes]) for name in OUTPUTS)
        # Older files must list their constants as inputs.
        whole.ir_version = max(whole.ir_version, 4)
        properties = {METADATA_KEY: self.metadata.to_json()}
        # Where a shape is unknown, the cost stays unknown.
        with suppress(EmorecError, onnx.shape_inference.InferenceError):
            properties[COST_KEY] = graph_cost(whole).to_json()
        helper.set_model_props(whole, properties)
        onnx.checker.check_model(whole)
        serialized: bytes = whole.SerializeToString()
        return serialized

    def _input_nodes(self, data_type: int) -> tuple[dict[str, Any], list[onnx.NodeProto]]:
        """Return the constants and operators from the image to the foreign input.

        Args:
            data_type: Type of the foreign input, a TensorProto.DataType.
        """
        model, form = self.model, self.form
        constants: dict[str, Any] = {}
        nodes: list[onnx.NodeProto] = []
        name = "image"

        def add(kind: str, inputs: list[str], **attributes: Any) -> str:
            output = f"image_{len(nodes)}"
            nodes.append(helper.make_node(kind, inputs, [output], **attributes))
            return output

        if form.color == "bgr":
            constants["bgr"] = np.array([2, 1, 0], np.int64)
            name = add("Gather", [name, "bgr"], axis=3)
        elif form.color == "gray" and form.channels == 3:
            name = add("Concat", [name] * 3, axis=3)
        factor = model.scale / np.asarray(model.std, np.float64)
        offset = -np.asarray(model.mean, np.float64) / np.asarray(model.std, np.float64)
        if (factor != 1).any():
            constants["factor"] = factor.astype(np.float32)
            name = add("Mul", [name, "factor"])
        if offset.any():
            constants["offset"] = offset.astype(np.float32)
            name = add("Add", [name, "offset"])
        if form.layout == "nchw":
            name = add("Transpose", [name], perm=[0, 3, 1, 2])
        nodes.append(helper.make_node("Cast", [name], [_PREFIX + form.name], to=data_type))
        return constants, nodes

    def _output_nodes(self, kind: str) -> tuple[dict[str, Any], list[onnx.NodeProto]]:
        """Return the constants and operators from the foreign output to those of emorec."""
        temperature = np.float32(self.metadata.temperature)
        constants: dict[str, Any] = {"temperature": temperature}
        # Some classifiers compute with float16, and some return (batch, classes, 1, 1).
        nodes = [
            helper.make_node("Cast", [_PREFIX + self.output], ["values"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["values"], ["rows"], axis=1),
        ]
        if kind == "logits":
            nodes.append(helper.make_node("Identity", ["rows"], ["logits"]))
        else:
            constants["smallest"] = np.float32(SMALLEST_PROBABILITY)
            nodes.append(helper.make_node("Max", ["rows", "smallest"], ["positive"]))
            nodes.append(helper.make_node("Log", ["positive"], ["logits"]))
        nodes.append(helper.make_node("Div", ["logits", "temperature"], ["divided"]))
        nodes.append(helper.make_node("Softmax", ["divided"], ["probabilities"], axis=1))
        return constants, nodes


def _tensor(name: str, shape: list[str | int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _free_batch(graph: onnx.GraphProto, form: InputForm) -> None:
    """Make a graph that is stated for one image work on several.

    A constant shape of a Reshape that begins with 1 means the batch there: -1, or 0 beside a -1, is
    equal to it for one image. Whether that is right is checked by running the model on several.
    """
    if not form.fixed_batch:
        return
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    tensors[node.output[0]] = attribute.t
    for number, node in enumerate(graph.node):
        if node.op_type != "Reshape" or node.input[1] not in tensors or node.attribute:
            continue
        shape = numpy_helper.to_array(tensors[node.input[1]]).ravel().tolist()
        if shape[:1] == [1]:
            freed = np.array([0 if -1 in shape else -1, *shape[1:]], np.int64)
            name = f"free_shape_{number}"
            graph.initializer.append(numpy_helper.from_array(freed, name))
            node.input[1] = name
