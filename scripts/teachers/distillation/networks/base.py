"""The common part of all networks: two heads on one vector of features, and their convolutions."""

import math

from torch import Tensor, nn
from torch.nn import functional

CLASSES = 8
"""FER+'s emotions, the targets of the first head."""

OWN_CLASSES = 7
"""FER-2013's emotions, the targets of the second head."""


class FaceNetwork(nn.Module):
    """A network from faces to the logits of FER+'s and of FER-2013's labels.

    The second head only regularises: FER-2013's own labels are noisier than the votes, but depend
    on them. It is dropped after the training.

    Attributes:
        size: Side of the input in pixels.
        channels: 1 for grey input; 3 where grey images are replicated.
    """

    size = 48
    channels = 1

    def __init__(self, features: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(features, CLASSES)
        self.aux = nn.Linear(features, OWN_CLASSES)

    def features(self, images: Tensor) -> Tensor:
        """Compute the features of images; see `forward` for the shapes."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the logits of both heads.

        Args:
            images: Shape (n, channels, size, size), float, -1..1.

        Returns:
            Logits, shape (n, 8), and of FER-2013's own labels, shape (n, 7).
        """
        found = self.dropout(self.features(images))
        return self.logits(found), self.aux(found)


class ConvNorm(nn.Module):
    """A convolution without bias, and a batch norm with the constants of `compact`."""

    def __init__(
        self,
        inputs: int,
        filters: int,
        kernel: int = 3,
        stride: int = 1,
        *,
        zero_gamma: bool = False,
        keras_padding: bool = False,
    ) -> None:
        """Args: as their names say; `keras_padding` pads as Keras does with padding "same"."""
        super().__init__()
        self.kernel, self.stride, self.keras_padding = kernel, stride, keras_padding
        padding = 0 if keras_padding else kernel // 2
        self.conv = nn.Conv2d(inputs, filters, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(filters, eps=1e-3, momentum=0.1)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_in", nonlinearity="relu")
        if zero_gamma:
            nn.init.zeros_(self.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the normalised convolution of a feature map."""
        if self.keras_padding:
            x = functional.pad(x, (*self._padding(x.shape[3]), *self._padding(x.shape[2])))
        found: Tensor = self.norm(self.conv(x))
        return found

    def _padding(self, side: int) -> tuple[int, int]:
        """Return the padding before and after; Keras puts an odd pixel after."""
        steps = math.ceil(side / self.stride)
        total = max((steps - 1) * self.stride + self.kernel - side, 0)
        return total // 2, total - total // 2
