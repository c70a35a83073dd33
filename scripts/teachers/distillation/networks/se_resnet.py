"""The teacher `se-resnet`: an 18-layer ResNet with squeeze-and-excitation, from random weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from distillation.networks.base import ConvNorm, FaceNetwork

_STAGES = (64, 128, 256, 512)
_BLOCKS_PER_STAGE = 2
_REDUCTION = 16


class _SqueezeExcitation(nn.Module):
    """Weights of the channels from their means (Hu et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // _REDUCTION)
        self.excite = nn.Linear(channels // _REDUCTION, channels)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.excite(functional.relu(self.squeeze(x.mean((2, 3)))))
        return x * torch.sigmoid(weights)[:, :, None, None]


class _Block(nn.Module):
    def __init__(self, inputs: int, filters: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.first = ConvNorm(inputs, filters, stride=stride)
        self.second = ConvNorm(filters, filters, zero_gamma=True)
        self.excitation = _SqueezeExcitation(filters)
        changes = stride != 1 or inputs != filters
        self.shortcut = ConvNorm(inputs, filters, kernel=1) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        pooled = functional.avg_pool2d(x, self.stride) if self.stride != 1 else x
        found = self.excitation(self.second(functional.relu(self.first(x))))
        return functional.relu(found + self.shortcut(pooled))


class SeResNet(FaceNetwork):
    """Eight basic blocks (He et al. 2016) at four scales, without a strided stem."""

    def __init__(self, dropout: float = 0.3) -> None:
        super().__init__(_STAGES[-1], dropout)
        channels = _STAGES[0]
        self.stem = ConvNorm(1, channels)
        blocks = []
        for stage, filters in enumerate(_STAGES):
            for number in range(_BLOCKS_PER_STAGE):
                stride = 2 if stage and number == 0 else 1
                blocks.append(_Block(channels, filters, stride))
                channels = filters
        self.blocks = nn.Sequential(*blocks)

    def features(self, images: Tensor) -> Tensor:
        """Compute the features, shape (n, 512)."""
        found: Tensor = self.blocks(functional.relu(self.stem(images)))
        return found.mean((2, 3))
