"""One interface to models of both formats: ONNX files and .keras files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emorec.images import Image
from emorec.inference.base import Floats
from emorec.inference.classifier import EmotionClassifier
from emorec.metadata import ModelMetadata
from emorec.probabilities import prior_offsets, probabilities_from_logits

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class OpenModel:
    """A loaded model, whatever the format of its file.

    Attributes:
        path: Its file.
        metadata: Its metadata.
        logits: Compute the logits of images: from shape (n, size, size, channels), uint8, grey or
            RGB, to shape (n, classes), float32.
        probabilities: Compute softmax(logits / temperature - default_prior * log(prior)) of
            images, with the model's own temperature and default prior; shapes as for `logits`.
        device: Name of the device of ONNX Runtime; None for Keras, whose backend chooses.
        network: The model of Keras; None for an ONNX file.
    """

    path: Path
    metadata: ModelMetadata
    logits: Callable[[Image], Floats]
    probabilities: Callable[[Image], Floats]
    device: str | None = None
    network: "keras.Model | None" = None


def open_model(path: Path, threads: int = 1, device: str | None = None) -> OpenModel:
    """Load a model.

    Args:
        path: A .onnx or .keras file; see `emorec.models.files.find_model`.
        threads: Threads of ONNX Runtime in one call; 0 takes all cores. Keras ignores it.
        device: As for `EmotionClassifier`. Keras uses the device of its backend.

    Raises:
        ConfigError: As for `EmotionClassifier`.
        MissingDependencyError: As for `EmotionClassifier`.
        ModelError: The file is missing, damaged or unsafe, or its metadata do not fit.
    """
    if path.suffix != ".keras":
        classifier = EmotionClassifier(path, threads, device=device)
        return OpenModel(
            path,
            classifier.metadata,
            classifier.logits,
            classifier.probabilities,
            classifier.device,
        )
    # Keras takes seconds to load; ONNX files do not need it.
    from emorec.modeling.keras_files import load_model

    model, metadata = load_model(path)
    offsets = prior_offsets(metadata, metadata.default_prior)

    def logits(images: Image) -> Floats:
        return np.asarray(model.predict_on_batch(images.astype(np.float32)))

    def probabilities(images: Image) -> Floats:
        found = probabilities_from_logits(logits(images), metadata.temperature, offsets)
        return found.astype(np.float32)

    return OpenModel(path, metadata, logits, probabilities, network=model)
