"""The student: emorec's network `compact` at any width, in PyTorch."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from distillation.networks.base import ConvNorm, FaceNetwork
from emorec.errors import ModelError

STEM_FILTERS = 32
BLOCKS = ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (128, 1))
"""Filters and stride of each residual block, as in emorec/modeling/compact.py."""

Weights = dict[str, npt.NDArray[np.float32]]

_NORM_WEIGHTS = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
"""Names of a batch norm's weights in Keras and in PyTorch."""


class _Block(nn.Module):
    """A basic residual block; where it strides, its shortcut averages first."""

    def __init__(self, inputs: int, filters: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.first = ConvNorm(inputs, filters, stride=stride, keras_padding=True)
        self.second = ConvNorm(filters, filters, zero_gamma=True)
        changes = stride != 1 or inputs != filters
        self.shortcut = ConvNorm(inputs, filters, kernel=1) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        shortcut = functional.avg_pool2d(x, self.stride) if self.stride != 1 else x
        if self.shortcut is not None:
            shortcut = self.shortcut(shortcut)
        return functional.relu(self.second(functional.relu(self.first(x))) + shortcut)


class Student(FaceNetwork):
    """`compact` with the filters of every layer multiplied by a width; 0.5 is `nano`."""

    def __init__(self, width: float = 1.0, dropout: float = 0.1) -> None:
        channels = round(STEM_FILTERS * width)
        super().__init__(round(BLOCKS[-1][0] * width), dropout)
        self.stem_1 = ConvNorm(1, channels)
        self.stem_2 = ConvNorm(channels, channels, stride=2, keras_padding=True)
        blocks = []
        for filters, stride in BLOCKS:
            blocks.append(_Block(channels, round(filters * width), stride))
            channels = round(filters * width)
        self.blocks = nn.ModuleList(blocks)

    def features(self, images: Tensor) -> Tensor:
        """Compute the features, shape (n, 128 * width)."""
        x = functional.relu(self.stem_2(functional.relu(self.stem_1(images))))
        for block in self.blocks:
            x = block(x)
        return x.mean((2, 3))

    def keras_weights(self) -> Weights:
        """Return the weights in Keras's layout, named LAYER/VARIABLE as emorec's layers are."""
        found = {}
        for name, tensor, axes in self._named_tensors():
            value = tensor.detach().float().cpu().numpy()
            found[name] = np.ascontiguousarray(value.transpose(axes) if axes else value)
        return found

    @torch.no_grad()
    def load_keras_weights(self, weights: Weights) -> None:
        """Copy weights that `keras_weights` returned; the second head may be missing."""
        for name, tensor, axes in self._named_tensors():
            if name in weights or not name.startswith("aux/"):
                value: npt.NDArray[Any] = weights[name]
                value = value.transpose(np.argsort(axes)) if axes else value
                tensor.copy_(torch.tensor(value, dtype=torch.float32))

    def _named_tensors(self) -> Iterator[tuple[str, Tensor, tuple[int, ...]]]:
        """Yield each tensor with its name in Keras and the order of its axes there."""
        for layer, module in self._convolutions():
            yield f"{layer}_conv/kernel", module.conv.weight, (2, 3, 1, 0)
            for keras_name, name in _NORM_WEIGHTS.items():
                yield f"{layer}_norm/{keras_name}", getattr(module.norm, name), ()
        for layer in ("logits", "aux"):
            head = getattr(self, layer)
            yield f"{layer}/kernel", head.weight, (1, 0)
            yield f"{layer}/bias", head.bias, ()

    def _convolutions(self) -> Iterator[tuple[str, ConvNorm]]:
        yield "stem_1", self.stem_1
        yield "stem_2", self.stem_2
        for number, block in enumerate(self.blocks, 1):
            assert isinstance(block, _Block)
            yield f"block_{number}_1", block.first
            yield f"block_{number}_2", block.second
            if block.shortcut is not None:
                yield f"block_{number}_shortcut", block.shortcut


def student_from_weights(weights: Weights) -> Student:
    """Build the student of the width that its weights have.

    Raises:
        ModelError: The weights are not those of a student.
    """
    try:
        student = Student(len(weights["stem_1_norm/gamma"]) / STEM_FILTERS)
        student.load_keras_weights(weights)
    except (KeyError, ValueError, RuntimeError) as error:
        raise ModelError(f"the weights are not those of a student: {error}") from error
    return student
