import numpy as np
import onnx
import pytest
from helpers.onnx_models import METADATA, tiny_model
from onnx import TensorProto, helper, numpy_helper

from emorec.errors import EmorecError
from emorec.export.cost import graph_cost


def graph(nodes, weights, input_shape, output_shape, free="batch"):
    """A model of one input "x" and one output "y"."""
    tensors = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    made = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [free, *input_shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [free, *output_shape])],
        tensors,
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def floats(*shape):
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("node", "weights", "shapes", "parameters", "multiply_adds"),
    [
        (helper.make_node("Relu", ["x"], ["y"]), {}, ([3], [3]), 0, 0),
        # 5 x 5 places, 4 results each, from 3 channels of 3 x 3
        (
            helper.make_node("Conv", ["x", "w", "b"], ["y"]),
            {"w": floats(4, 3, 3, 3), "b": floats(4)},
            ([3, 7, 7], [4, 5, 5]),
            112,
            5 * 5 * 4 * 27,
        ),
        # depthwise: each of 6 channels alone; every second place
        (
            helper.make_node("Conv", ["x", "w"], ["y"], group=6, strides=[2, 2]),
            {"w": floats(6, 1, 3, 3)},
            ([6, 7, 7], [6, 3, 3]),
            54,
            3 * 3 * 6 * 9,
        ),
        (
            helper.make_node("ConvTranspose", ["x", "w"], ["y"]),
            {"w": floats(2, 5, 3, 3)},
            ([2, 4, 4], [5, 6, 6]),
            90,
            2 * 4 * 4 * 5 * 9,
        ),
        (
            helper.make_node("MatMul", ["x", "w"], ["y"]),
            {"w": floats(10, 8)},
            ([10], [8]),
            80,
            80,
        ),
        (
            helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1),
            {"w": floats(8, 10), "b": floats(8)},
            ([10], [8]),
            88,
            80,
        ),
        # integers, such as shapes, are no weights
        (
            helper.make_node("Reshape", ["x", "s"], ["y"]),
            {"s": np.array([-1, 2, 2])},
            ([4], [2, 2]),
            0,
            0,
        ),
    ],
)
def test_one_node(node, weights, shapes, parameters, multiply_adds):
    cost = graph_cost(graph([node], weights, *shapes))
    assert (cost.parameters, cost.multiply_adds) == (parameters, multiply_adds)


def test_weights_in_constant_nodes_count():
    constant = helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(floats(10, 8)))
    product = helper.make_node("MatMul", ["x", "w"], ["y"])
    cost = graph_cost(graph([constant, product], {}, [10], [8]))
    assert (cost.parameters, cost.multiply_adds) == (80, 80)


def test_counting_does_not_change_the_model():
    model = tiny_model()
    before = model.SerializeToString()
    cost = graph_cost(model)
    classes = len(METADATA.labels)
    assert (cost.parameters, cost.multiply_adds) == (4 * classes + 1, 4 * classes)
    assert model.SerializeToString() == before
    onnx.checker.check_model(model)


def test_a_shape_that_cannot_be_inferred():
    free = helper.make_node("MatMul", ["x", "w"], ["y"])
    with pytest.raises(EmorecError, match="cannot be inferred"):
        graph_cost(graph([free], {"w": floats(10, 8)}, ["any", 10], ["any", 8]))
