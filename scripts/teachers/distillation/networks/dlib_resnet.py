"""The teacher `dlib`: dlib's face recognition ResNet, from its published weights."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from distillation.networks.base import FaceNetwork
from emorec.errors import ModelError

BLOCKS = (
    ("conv32_1", 32, False),
    ("conv32_2", 32, False),
    ("conv32_3", 32, False),
    ("conv64_down", 64, True),
    ("conv64_1", 64, False),
    ("conv64_2", 64, False),
    ("conv64_3", 64, False),
    ("conv128_down", 128, True),
    ("conv128_1", 128, False),
    ("conv128_2", 128, False),
    ("conv256_down", 256, True),
    ("conv256_1", 256, False),
    ("conv256_2", 256, False),
    ("conv256_down_out", 256, True),
)
"""Name in the weights' file, filters, and whether the block halves the sides."""

_FEATURE_GAIN = 4.0
"""The means are small; the gain brings them to the size that the heads' learning rate suits."""

_MEAN_RGB = (122.782, 117.001, 104.298)
"""Subtracted by dlib from 0..255."""


class _Block(nn.Module):
    """A basic block without norms: dlib's affine layers are folded into the convolutions."""

    def __init__(self, inputs: int, filters: int, halves: bool) -> None:
        super().__init__()
        self.halves = halves
        self.first = nn.Conv2d(inputs, filters, 3, 2 if halves else 1, 0 if halves else 1)
        self.second = nn.Conv2d(filters, filters, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        found = self.second(functional.relu(self.first(x)))
        if not self.halves:
            return functional.relu(x + found)
        # The shortcut has no convolution: zeros fill its missing channels, and the smaller map.
        pooled = functional.avg_pool2d(x, 2)
        height = max(pooled.shape[2], found.shape[2])
        width = max(pooled.shape[3], found.shape[3])
        channels = found.shape[1]
        return functional.relu(
            _filled(pooled, channels, height, width) + _filled(found, channels, height, width)
        )


def _filled(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    """Append zeros to a feature map up to a shape."""
    missing = (width - x.shape[3], height - x.shape[2], channels - x.shape[1])
    return functional.pad(x, (0, missing[0], 0, missing[1], 0, missing[2]))


class DlibResNet(FaceNetwork):
    """A 29-layer ResNet that was trained to tell persons apart (King 2017)."""

    size = 128
    channels = 3
    mean: Tensor

    def __init__(self, dropout: float = 0.3) -> None:
        super().__init__(BLOCKS[-1][1], dropout)
        self.stem = nn.Conv2d(3, 32, 7, 2)
        blocks = []
        channels = 32
        for _, filters, halves in BLOCKS:
            blocks.append(_Block(channels, filters, halves))
            channels = filters
        self.blocks = nn.ModuleList(blocks)
        self.register_buffer("mean", torch.tensor(_MEAN_RGB).view(1, 3, 1, 1))

    def features(self, images: Tensor) -> Tensor:
        """Compute the features, shape (n, 256)."""
        x = ((images + 1) * 127.5 - self.mean) / 256
        x = functional.max_pool2d(functional.relu(self.stem(x)), 3, 2)
        for block in self.blocks:
            x = block(x)
        return _FEATURE_GAIN * x.mean((2, 3))

    @torch.no_grad()
    def load_published(self, weights: Mapping[str, Tensor]) -> None:
        """Copy the weights of everything but the heads.

        Args:
            weights: As in the package @vladmandic/face-api: for each convolution "conv/filters"
                of shape (k, k, inputs, filters) and "conv/bias", and for the affine layer after
                it "scale/weights" and "scale/biases".

        Raises:
            ModelError: The weights are of another network.
        """
        convolutions = {"conv32_down": self.stem}
        for (name, _, _), block in zip(BLOCKS, self.blocks, strict=True):
            assert isinstance(block, _Block)
            convolutions[f"{name}/conv1"] = block.first
            convolutions[f"{name}/conv2"] = block.second
        try:
            for name, conv in convolutions.items():
                gain, offset = weights[f"{name}/scale/weights"], weights[f"{name}/scale/biases"]
                filters = weights[f"{name}/conv/filters"].permute(3, 2, 0, 1)
                conv.weight.copy_(filters * gain[:, None, None, None])
                assert conv.bias is not None
                conv.bias.copy_(weights[f"{name}/conv/bias"] * gain + offset)
        except (KeyError, RuntimeError) as error:
            raise ModelError(
                f"the weights are not those of dlib's face recognition network: {error}"
            ) from error
