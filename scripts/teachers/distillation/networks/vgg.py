"""The teacher `vgg`: a VGG with batch norms, trained from random weights."""

import torch
from torch import Tensor, nn

from distillation.networks.base import ConvNorm, FaceNetwork

_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3))
"""Filters and number of convolutions between two poolings."""


class Vgg(FaceNetwork):
    """Ten convolutions at four scales; its features are the means and maxima of the last map."""

    def __init__(self, dropout: float = 0.4) -> None:
        super().__init__(2 * _STAGES[-1][0], dropout)
        steps: list[nn.Module] = []
        channels = 1
        for filters, count in _STAGES:
            for _ in range(count):
                steps += [ConvNorm(channels, filters), nn.ReLU()]
                channels = filters
            steps += [nn.MaxPool2d(2), nn.Dropout2d(0.05)]
        self.steps = nn.Sequential(*steps)

    def features(self, images: Tensor) -> Tensor:
        """Compute the features, shape (n, 1024)."""
        x = self.steps(images)
        return torch.cat([x.mean((2, 3)), x.amax((2, 3))], dim=1)
