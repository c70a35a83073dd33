"""Scores a saved model on a split of a prepared data set."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emorec.datasets.loading import load_images
from emorec.datasets.manifest import Examples, PreparedData
from emorec.errors import ConfigError, ModelError
from emorec.evaluation.metrics import Probabilities, Scores, score
from emorec.images import Image
from emorec.inference.classifier import EmotionClassifier
from emorec.labels import EMOTIONS_7, EMOTIONS_8
from emorec.metadata import ModelMetadata

BATCH = 256


@dataclass(frozen=True)
class Evaluation:
    """What a model reached on a split.

    Attributes:
        metadata: Of the model.
        examples: The images and targets it was scored on.
        probabilities: Shape (n, classes), in the order of the examples' class names.
        scores: The figures.
    """

    metadata: ModelMetadata
    examples: Examples
    probabilities: Probabilities
    scores: Scores


def evaluate(
    model: Path,
    data: PreparedData,
    split: str,
    policy: str | None = None,
    classes: int | None = None,
    limit: int | None = None,
) -> Evaluation:
    """Score a model on a split.

    Args:
        model: A .onnx or .keras file, or a run folder.
        data: A prepared data set.
        split: "train", "validation" or "test".
        policy: Vote policy of the labels; None takes majority where the data has votes (the FER+
            protocol), else the labels of the tree.
        classes: 7 or 8; None takes the classes of the model. An eight-class model scored on
            seven has contempt taken out and the rest renormalised.
        limit: Score that many images, spread over the split.

    Raises:
        ConfigError, DataError, ModelError: The parts do not fit or cannot be read.
    """
    path = model_file(model)
    metadata, predict = _open(path)
    classes = classes or {EMOTIONS_7: 7, EMOTIONS_8: 8}.get(metadata.labels)
    if data.votes is not None:
        policy = policy or "majority"
        examples = data.examples(split, policy, classes)
    else:
        examples = data.examples(split, policy)
    columns = _columns(examples, metadata, path)
    examples = examples.limited(limit)
    images = load_images(
        examples.paths, metadata.input_size, metadata.color, metadata.interpolation
    )
    probabilities = predict(images)[:, columns]
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    scores = score(probabilities, examples.targets, examples.class_names)
    return Evaluation(metadata, examples, probabilities, scores)


def model_file(model: Path) -> Path:
    """Find the model of a run folder; a file is itself.

    Raises:
        ModelError: There is none, or the file is of another type.
    """
    if model.is_dir():
        for name in ("model.onnx", "model.keras"):
            if (model / name).is_file():
                return model / name
        raise ModelError(f"{model}: the folder holds neither model.onnx nor model.keras")
    if not model.is_file():
        raise ModelError(f"{model}: no such model file or run folder")
    if model.suffix not in (".onnx", ".keras"):
        raise ModelError(f"{model}: a model is a .onnx or .keras file; received {model.suffix!r}")
    return model


def _columns(examples: Examples, metadata: ModelMetadata, path: Path) -> list[int]:
    """Where the data's classes stand among the model's labels."""
    unknown = [name for name in examples.class_names if name not in metadata.labels]
    extra = [name for name in metadata.labels if name not in examples.class_names]
    if unknown or extra not in ([], ["contempt"]):
        raise ConfigError(
            f"{path} knows {', '.join(metadata.labels)}, but the data has "
            f"{', '.join(examples.class_names)}"
        )
    return [metadata.labels.index(name) for name in examples.class_names]


def _open(path: Path) -> tuple[ModelMetadata, Any]:
    """Metadata, and a function from uint8 images to probabilities."""
    if path.suffix == ".onnx":
        classifier = EmotionClassifier(path)

        def by_onnx(images: Image) -> Probabilities:
            parts = [
                classifier.probabilities(images[start : start + BATCH].astype(np.float32))
                for start in range(0, len(images), BATCH)
            ]
            return np.concatenate(parts)

        return classifier.metadata, by_onnx
    # Keras takes seconds to load and is not needed for ONNX files.
    from emorec.modeling.build import with_probabilities
    from emorec.modeling.saved import load_model

    model, metadata = load_model(path)
    whole = with_probabilities(model, metadata.temperature)

    def by_keras(images: Image) -> Probabilities:
        return np.asarray(whole.predict(images, batch_size=BATCH, verbose=0)["probabilities"])

    return metadata, by_keras
