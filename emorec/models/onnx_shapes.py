"""Shapes of the results of ONNX operators, and their cost.

https://onnx.ai/onnx/operators/ defines the operators.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Shape = tuple[int, ...]
Attributes = dict[str, Any]


@dataclass(frozen=True)
class Value:
    """A tensor: its shape, and its numbers if they are known and few."""

    shape: Shape
    numbers: npt.NDArray[Any] | None = None

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


OMITTED = Value(())
"""An optional input that a node leaves out."""

Result = tuple[list[Shape], int]
"""The shapes of the outputs, and the cost in multiply-adds."""
Rule = Callable[[list[Value], Attributes, int], Result]


def integers(inputs: Sequence[Value], position: int, attribute: Any = None) -> list[int] | None:
    """Return the numbers of an input that holds a shape or axes, or of the attribute instead.

    Raises:
        ValueError: The numbers depend on the image.
    """
    if position >= len(inputs) or inputs[position] is OMITTED:
        return None if attribute is None else list(attribute)
    numbers = inputs[position].numbers
    if numbers is None:
        raise ValueError("the shape of a tensor depends on the content of the image")
    return [int(number) for number in numbers.reshape(-1)]


def _required(numbers: list[int] | None) -> list[int]:
    if numbers is None:
        raise ValueError("an operator lacks a shape or an axis")
    return numbers


def _axis(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise ValueError(f"the axis {axis} is out of range of {rank}")
    return axis % rank


def same_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Return the shape of the first input, for element-wise operators and normalisation."""
    return [inputs[0].shape] * outputs, inputs[0].size


def broadcast_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Broadcast the shapes of the inputs."""
    shape = np.broadcast_shapes(*(value.shape for value in inputs))
    return [shape], math.prod(shape)


def reshape_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Reshape."""
    wanted = _required(integers(inputs, 1, attributes.get("shape")))
    old = inputs[0].shape
    if not attributes.get("allowzero"):
        wanted = [old[n] if length == 0 else length for n, length in enumerate(wanted)]
    known = math.prod(length for length in wanted if length != -1)
    if -1 in wanted:
        wanted[wanted.index(-1)] = inputs[0].size // known if known else 0
    if min(wanted, default=1) < 0 or math.prod(wanted) != inputs[0].size:
        raise ValueError(f"Reshape of {list(old)} to {wanted}")
    return [tuple(wanted)], 0


def flatten_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Flatten."""
    shape, axis = inputs[0].shape, attributes.get("axis", 1)
    return [(math.prod(shape[:axis]), math.prod(shape[axis:]))], 0


def squeeze_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Squeeze."""
    shape = inputs[0].shape
    axes = integers(inputs, 1, attributes.get("axes"))
    if axes is None:
        axes = [n for n, length in enumerate(shape) if length == 1]
    dropped = {_axis(axis, len(shape)) for axis in axes}
    if any(shape[axis] != 1 for axis in dropped):
        raise ValueError(f"Squeeze of {list(shape)} along {axes}")
    return [tuple(length for n, length in enumerate(shape) if n not in dropped)], 0


def unsqueeze_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Unsqueeze."""
    axes = _required(integers(inputs, 1, attributes.get("axes")))
    rank = len(inputs[0].shape) + len(axes)
    added, old = {_axis(axis, rank) for axis in axes}, iter(inputs[0].shape)
    return [tuple(1 if n in added else next(old) for n in range(rank))], 0


def transpose_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Transpose."""
    shape = inputs[0].shape
    order = attributes.get("perm") or tuple(reversed(range(len(shape))))
    if sorted(order) != list(range(len(shape))):
        raise ValueError(f"Transpose of {list(shape)} by {order}")
    return [tuple(shape[axis] for axis in order)], inputs[0].size


def concat_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Concat."""
    shape = list(inputs[0].shape)
    axis = _axis(attributes["axis"], len(shape))
    shape[axis] = sum(value.shape[axis] for value in inputs)
    return [tuple(shape)], math.prod(shape)


def split_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Split."""
    shape = inputs[0].shape
    axis = _axis(attributes.get("axis", 0), len(shape))
    lengths = integers(inputs, 1, attributes.get("split"))
    if lengths is None:
        part = -(-shape[axis] // outputs)
        lengths = [min(part, max(shape[axis] - part * n, 0)) for n in range(outputs)]
    if sum(lengths) != shape[axis] or len(lengths) != outputs:
        raise ValueError(f"Split of {list(shape)} into {lengths}")
    return [(*shape[:axis], length, *shape[axis + 1 :]) for length in lengths], inputs[0].size


def slices(inputs: list[Value], attributes: Attributes) -> tuple[slice, ...]:
    """Return the slice of each axis that Slice takes."""
    rank = len(inputs[0].shape)
    starts = _required(integers(inputs, 1, attributes.get("starts")))
    ends = _required(integers(inputs, 2, attributes.get("ends")))
    axes = integers(inputs, 3, attributes.get("axes", range(len(starts)))) or []
    steps = integers(inputs, 4, [1] * len(starts)) or []
    found = [slice(None)] * rank
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        found[_axis(axis, rank)] = slice(start, end, step)
    return tuple(found)


def slice_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Slice."""
    pairs = zip(slices(inputs, attributes), inputs[0].shape, strict=True)
    shape = tuple(len(range(*part.indices(length))) for part, length in pairs)
    return [shape], math.prod(shape)


def gather_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Gather."""
    shape = inputs[0].shape
    axis = _axis(attributes.get("axis", 0), len(shape))
    found = (*shape[:axis], *inputs[1].shape, *shape[axis + 1 :])
    return [found], math.prod(found)


def expand_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Expand."""
    shape = np.broadcast_shapes(inputs[0].shape, tuple(_required(integers(inputs, 1))))
    return [shape], math.prod(shape)


def tile_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Tile."""
    repeats = _required(integers(inputs, 1))
    shape = tuple(a * b for a, b in zip(inputs[0].shape, repeats, strict=True))
    return [shape], math.prod(shape)


def pad_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Pad."""
    shape = list(inputs[0].shape)
    pads = _required(integers(inputs, 1, attributes.get("pads")))
    axes = integers(inputs, 3, range(len(shape))) or []
    if len(pads) != 2 * len(axes):
        raise ValueError(f"Pad of {shape} by {pads}")
    for n, axis in enumerate(axes):
        shape[_axis(axis, len(shape))] += pads[n] + pads[n + len(axes)]
    return [tuple(shape)], math.prod(shape)


def constant_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Constant."""
    (value,) = attributes.values()
    return [value.shape if isinstance(value, Value) else np.shape(value)], 0


def constant_of_shape_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of ConstantOfShape."""
    shape = tuple(_required(integers(inputs, 0)))
    return [shape], math.prod(shape)


def range_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Range."""
    if any(value.numbers is None for value in inputs):
        raise ValueError("the shape of a tensor depends on the content of the image")
    start, limit, delta = (value.numbers.item() for value in inputs)  # type: ignore[union-attr]
    length = max(math.ceil((limit - start) / delta), 0)
    return [(length,)], length


def shape_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of Shape."""
    start, end = attributes.get("start", 0), attributes.get("end")
    return [(len(inputs[0].shape[start:end]),)], 0


def reduce_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of ReduceMean and the other reductions."""
    shape = inputs[0].shape
    axes = integers(inputs, 1, attributes.get("axes"))
    if not axes and attributes.get("noop_with_empty_axes"):
        return [shape], inputs[0].size
    return [_reduced(shape, axes or range(len(shape)), attributes)], inputs[0].size


def arg_rule(inputs: list[Value], attributes: Attributes, outputs: int) -> Result:
    """Infer the result of ArgMax and ArgMin."""
    shape = inputs[0].shape
    return [_reduced(shape, [attributes.get("axis", 0)], attributes)], inputs[0].size


def _reduced(shape: Shape, axes: Sequence[int], attributes: Attributes) -> Shape:
    dropped = {_axis(axis, len(shape)) for axis in axes}
    kept = [1 if n in dropped else length for n, length in enumerate(shape)]
    if attributes.get("keepdims", 1):
        return tuple(kept)
    return tuple(length for n, length in enumerate(kept) if n not in dropped)
