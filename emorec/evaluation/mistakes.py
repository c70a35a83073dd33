"""The mistakes of which a classifier is most confident."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from emorec.datasets.manifest import Examples
from emorec.errors import EmorecError
from emorec.evaluation.metrics import Probabilities
from emorec.images import Image
from emorec.labels import VOTE_CLASSES

MISTAKES = 48
"""So many are kept."""


@dataclass(frozen=True)
class Mistake:
    """An image that is not what the classifier says.

    Attributes:
        path: The image file.
        label: Its label.
        predicted: The most probable class.
        confidence: Probability of `predicted`.
        votes: What people chose, most frequent first, such as "sad 6, neutral 4"; "" without votes.
        image: What the classifier saw, shape (size, size, channels), uint8, RGB order.
    """

    path: Path
    label: str
    predicted: str
    confidence: float
    votes: str
    image: Image

    def to_png(self) -> bytes:
        """Give the bytes of a PNG file of the image."""
        done, data = cv2.imencode(".png", self.image[:, :, ::-1])
        if not done:
            raise EmorecError(f"{self.path}: the picture could not be encoded as PNG")
        return data.tobytes()


def confident_mistakes(
    probabilities: Probabilities, examples: Examples, images: Image
) -> tuple[Mistake, ...]:
    """Find the `MISTAKES` mistakes with the highest confidence, highest first.

    Args:
        probabilities: Shape (n, classes).
        examples: n images with their targets.
        images: As the model saw them, shape (n, size, size, channels), uint8, RGB order.
    """
    truth, predicted = examples.targets.argmax(axis=1), probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    wrong = [int(index) for index in order if truth[index] != predicted[index]]
    return tuple(
        Mistake(
            examples.paths[index],
            examples.class_names[truth[index]],
            examples.class_names[predicted[index]],
            float(confidence[index]),
            _votes(examples, index),
            images[index].copy(),
        )
        for index in wrong[:MISTAKES]
    )


def _votes(examples: Examples, index: int) -> str:
    if examples.votes is None:
        return ""
    counts = sorted(
        ((int(n), name) for n, name in zip(examples.votes[index], VOTE_CLASSES, strict=True) if n),
        key=lambda pair: -pair[0],
    )
    return ", ".join(f"{name.replace('_', ' ')} {n}" for n, name in counts)
