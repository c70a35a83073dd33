"""Small ONNX classifiers as other projects export them, without metadata of emorec."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = 8
CLASSES = 7


def weights(channels: int, classes: int = CLASSES, size: int = SIZE) -> npt.NDArray[np.float32]:
    """Weights of one linear layer, shape (channels * size * size, classes)."""
    random = np.random.default_rng(channels)
    return random.normal(0, 0.1, (channels * size * size, classes)).astype(np.float32)


def expected_logits(inputs: npt.NDArray[Any], classes: int = CLASSES) -> npt.NDArray[np.float64]:
    """What the model of `foreign_model` computes from its own input, in NCHW order."""
    return inputs.reshape(len(inputs), -1).astype(np.float64) @ weights(inputs.shape[1], classes)


def foreign_model(
    *,
    layout: str = "nchw",
    channels: int = 1,
    batch: str | int = "N",
    flat: int = SIZE * SIZE,
    sides: tuple[Any, Any] = (SIZE, SIZE),
    stated_channels: Any = None,
    classes: int = CLASSES,
    probabilities: bool = False,
    squeezed: bool = True,
    outputs: tuple[str, ...] = ("scores",),
    opset: int = 17,
) -> onnx.ModelProto:
    """Return a linear classifier.

    Args:
        layout: "nchw" or "nhwc".
        channels: Channels of the input.
        batch: The stated batch. With 1, the graph also reshapes to a batch of 1, as exports do.
        flat: Second number of this shape, for one channel; -1 to leave it open.
        sides: Stated height and width.
        stated_channels: Stated channels; None for `channels`.
        classes: Values of the output.
        probabilities: Whether the output is softmaxed.
        squeezed: Whether the output has two dimensions, rather than four.
        outputs: Names of the outputs, which are all the same.
        opset: Version of the operators.
    """
    shown = channels if stated_channels is None else stated_channels
    shape = [batch, shown, *sides] if layout == "nchw" else [batch, *sides, shown]
    nodes = []
    name = "pixels"
    if layout == "nhwc":
        nodes.append(helper.make_node("Transpose", [name], ["nchw"], perm=[0, 3, 1, 2]))
        name = "nchw"
    length = flat if flat == -1 else channels * flat
    constants = [
        numpy_helper.from_array(weights(channels, classes), "weights"),
        numpy_helper.from_array(np.array([1 if batch == 1 else -1, length], np.int64), "flat"),
    ]
    nodes.append(helper.make_node("Reshape", [name, "flat"], ["rows"]))
    nodes.append(helper.make_node("MatMul", ["rows", "weights"], ["product"]))
    name = "product"
    if probabilities:
        nodes.append(helper.make_node("Softmax", [name], ["softmax"], axis=1))
        name = "softmax"
    if not squeezed:
        constants.append(
            numpy_helper.from_array(np.array([-1, classes, 1, 1], np.int64), "four_dimensions")
        )
        nodes.append(helper.make_node("Reshape", [name, "four_dimensions"], ["four"]))
        name = "four"
    result = [batch, classes] if squeezed else [batch, classes, 1, 1]
    nodes += [helper.make_node("Identity", [name], [output]) for output in outputs]
    graph = helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(each, TensorProto.FLOAT, result) for each in outputs],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def write_foreign_model(path: Path, **options: Any) -> Path:
    """Write `foreign_model` to a file."""
    onnx.save(foreign_model(**options), path)
    return path
