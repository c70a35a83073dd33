"""Shapes and cost of the ONNX operators that compute most: Conv, pools, products, Resize."""

import math

import numpy as np

from emorec.models.onnx_shapes import Attributes, Result, Shape, Value, integers

_MAX_PADDING = 4096
"""Widest padding and dilation of a convolution or a pool, in pixels."""


def _windows(spatial: Shape, kernel: Shape, attributes: Attributes) -> Shape:
    """Return the spatial shape of a convolution or a pool."""
    rank = len(spatial)
    strides = attributes.get("strides") or (1,) * rank
    dilations = attributes.get("dilations") or (1,) * rank
    pads = attributes.get("pads") or (0,) * 2 * rank
    if len(kernel) != rank or len(strides) != rank or len(dilations) != rank:
        raise ValueError("a window has another number of dimensions than its input")
    if len(pads) != 2 * rank or min((*strides, *dilations, *kernel), default=1) < 1:
        raise ValueError("a window has impossible pads, strides or dilations")
    if max((*pads, *dilations)) > _MAX_PADDING or min(pads) < 0:
        raise ValueError(f"a window is padded or dilated by more than {_MAX_PADDING} pixels")
    mode = attributes.get("auto_pad", "NOTSET")
    found = []
    for n, (length, size, stride, dilation) in enumerate(
        zip(spatial, kernel, strides, dilations, strict=True)
    ):
        if mode.startswith("SAME"):
            found.append(-(-length // stride))
            continue
        room = length + pads[n] + pads[n + rank] - dilation * (size - 1) - 1
        up = stride - 1 if attributes.get("ceil_mode") else 0
        found.append((room + up) // stride + 1)
    return tuple(found)


def conv_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Conv and ConvInteger."""
    image, kernel = inputs[0].shape, inputs[1].shape
    shape = (image[0], kernel[0], *_windows(image[2:], kernel[2:], attributes))
    return [shape], math.prod(shape) * math.prod(kernel[1:])


def pool_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of AveragePool and MaxPool."""
    image, kernel = inputs[0].shape, tuple(attributes["kernel_shape"])
    shape = (*image[:2], *_windows(image[2:], kernel, attributes))
    return [shape] * outputs, math.prod(shape) * math.prod(kernel)


def global_pool_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of GlobalAveragePool and GlobalMaxPool."""
    image = inputs[0].shape
    return [(*image[:2], *(1,) * len(image[2:]))], inputs[0].size


def matmul_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of MatMul and MatMulInteger."""
    a, b = inputs[0].shape, inputs[1].shape
    left, right = a if len(a) > 1 else (1, *a), b if len(b) > 1 else (*b, 1)
    if left[-1] != right[-2]:
        raise ValueError(f"MatMul of the shapes {list(a)} and {list(b)}")
    shape = [*np.broadcast_shapes(left[:-2], right[:-2])]
    shape += [left[-2]] * (len(a) > 1) + [right[-1]] * (len(b) > 1)
    return [tuple(shape)], math.prod(shape) * left[-1]


def gemm_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Gemm."""
    rows, length = inputs[0].shape[:: -1 if attributes.get("transA") else 1]
    _, columns = inputs[1].shape[:: -1 if attributes.get("transB") else 1]
    return [(rows, columns)], rows * columns * length


def resize_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Resize."""
    shape = inputs[0].shape
    if attributes.get("axes") or attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise ValueError("Resize along some axes is not supported")
    sizes = integers(inputs, 3) if len(inputs) > 3 else None
    if not sizes:
        scales = inputs[1 if len(inputs) == 2 else 2].numbers
        if scales is None:
            raise ValueError("the shape of a tensor depends on the content of the image")
        pairs = zip(shape, scales.tolist(), strict=True)
        sizes = [math.floor(length * scale) for length, scale in pairs]
    if len(sizes) != len(shape):
        raise ValueError(f"Resize of {list(shape)} to {sizes}")
    return [tuple(sizes)], 16 * math.prod(sizes)
