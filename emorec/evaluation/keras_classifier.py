"""Classifies face crops with a .keras file, as `EmotionClassifier` does with an ONNX file."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from emorec.evaluation.open_model import open_model
from emorec.images import Image
from emorec.inference.classifier import classify_crops
from emorec.types import Prediction


class KerasClassifier:
    """A .keras file, loaded; its answers are those of the ONNX file of the same run.

    Args:
        path: The file.

    Attributes:
        metadata: The metadata of the model.
        network: The model of Keras.
        device: Name of the backend of Keras, which chooses the device.
        flip: False: mirror images are not classified too.
        logits: As of `OpenModel`.
        probabilities: As of `OpenModel`.

    Raises:
        ModelError: The file is missing, damaged or unsafe, or its metadata do not fit.
    """

    def __init__(self, path: Path) -> None:
        opened = open_model(path)
        assert isinstance(opened.network, keras.Model)
        self.network: keras.Model = opened.network
        self.metadata = opened.metadata
        self.device = str(keras.backend.backend())
        self.flip = False
        self.logits = opened.logits
        self.probabilities = opened.probabilities

    def classify(self, crops: Sequence[Image]) -> list[Prediction]:
        """Classify the emotion of each face crop; see `EmotionClassifier.classify`."""
        if not crops:  # Keras refuses an empty batch
            return []
        return classify_crops(
            crops, self.metadata, lambda x: self.probabilities(x.astype(np.uint8))
        )
