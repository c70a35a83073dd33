"""Size and computational cost of an ONNX graph: weights and multiply-adds."""

from math import prod

import onnx
from onnx import numpy_helper, shape_inference

from emorec.errors import EmorecError
from emorec.metadata import ModelCost

_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)


def graph_cost(model: onnx.ModelProto) -> ModelCost:
    """Count the weights of a graph and its multiply-adds for one image.

    Weights are the values of float constants, so a batch normalisation that the exporter folded
    into a convolution does not count. Multiply-adds are those of convolutions and matrix products;
    elementwise operations and pooling are omitted, as is usual.

    Args:
        model: A model whose inputs have one free dimension, the batch.

    Raises:
        EmorecError: The shape of a product cannot be inferred.
    """
    single = onnx.ModelProto()
    single.CopyFrom(model)
    for tensor in (*single.graph.input, *single.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_value = 1
    inferred = shape_inference.infer_shapes(single, data_prop=True)
    shapes = {tensor.name: tuple(tensor.dims) for tensor in inferred.graph.initializer}
    for info in (*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output):
        shapes[info.name] = tuple(d.dim_value for d in info.type.tensor_type.shape.dim)
    constants = [tensor for tensor in model.graph.initializer if tensor.data_type in _FLOATS]
    for node in model.graph.node:
        if node.op_type == "Constant":
            values = (a.t for a in node.attribute if a.name == "value")
            constants += [tensor for tensor in values if tensor.data_type in _FLOATS]
    return ModelCost(
        parameters=sum(numpy_helper.to_array(tensor).size for tensor in constants),
        multiply_adds=sum(_multiply_adds(node, shapes) for node in inferred.graph.node),
    )


def _multiply_adds(node: onnx.NodeProto, shapes: dict[str, tuple[int, ...]]) -> int:
    """Return the number of output values times the products that each one sums."""
    if node.op_type == "Conv":
        length = prod(_known(node, 1, shapes)[1:])
    elif node.op_type == "MatMul":
        length = _known(node, 0, shapes)[-1]
    elif node.op_type == "Gemm":
        transposed = any(a.name == "transA" and a.i for a in node.attribute)
        length = _known(node, 0, shapes)[0 if transposed else 1]
    elif node.op_type == "ConvTranspose":
        # Each input value is multiplied by each weight of its channel once.
        return prod(_known(node, 0, shapes)) * prod(_known(node, 1, shapes)[1:])
    else:
        return 0
    results = shapes.get(node.output[0], ())
    if not results or 0 in results:
        raise EmorecError(f"the shape of {node.output[0]!r} cannot be inferred")
    return prod(results) * length


def _known(
    node: onnx.NodeProto, number: int, shapes: dict[str, tuple[int, ...]]
) -> tuple[int, ...]:
    shape = shapes.get(node.input[number], ())
    if not shape or 0 in shape:
        raise EmorecError(f"the shape of {node.input[number]!r} cannot be inferred")
    return shape
