"""Defines the contract of a classifier of face crops, whatever runs its model."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from emorec.images import Image
from emorec.metadata import ModelMetadata
from emorec.types import Prediction

Floats = npt.NDArray[np.float32]


class CropClassifier(Protocol):
    """Classifies face crops; `EmotionClassifier` is one for ONNX files."""

    @property
    def metadata(self) -> ModelMetadata:
        """The metadata of the model."""
        ...

    @property
    def device(self) -> str:
        """Name of the device, or of the library that chooses it."""
        ...

    @property
    def flip(self) -> bool:
        """Whether mirror images are classified too."""
        ...

    def classify(self, crops: Sequence[Image]) -> list[Prediction]:
        """Classify the emotion of each face crop, over all labels of the model.

        Args:
            crops: Face crops with the model's margin: uint8, BGR or grey, any size.
        """
        ...

    def probabilities(self, inputs: npt.NDArray[Any]) -> Floats:
        """Compute the probabilities, shape (n, classes).

        Args:
            inputs: Shape (n, size, size, channels), 0..255, in RGB order for colour models.
        """
        ...

    def logits(self, inputs: npt.NDArray[Any]) -> Floats:
        """Compute the logits, shape (n, classes); arguments as for `probabilities`."""
        ...
