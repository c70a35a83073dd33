"""The most confident mistakes of a classifier."""

import html
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from emorec.datasets.manifest import Examples
from emorec.errors import EmorecError
from emorec.evaluation.metrics import Probabilities
from emorec.images import Image
from emorec.labels import VOTE_CLASSES
from emorec.pages import image_tag

MAX_MISTAKES = 48
"""Number of mistakes to return."""


@dataclass(frozen=True)
class Mistake:
    """An image whose predicted class is not its label.

    Attributes:
        path: The image file.
        label: Its label.
        predicted: The most probable class.
        confidence: Probability of `predicted`.
        votes: Votes, most frequent first, such as "sad 6, neutral 4"; "" without votes.
        image: Input of the classifier, shape (size, size, channels), uint8, RGB order.
    """

    path: Path
    label: str
    predicted: str
    confidence: float
    votes: str
    image: Image

    def to_png(self) -> bytes:
        """Encode the image as the bytes of a PNG file.

        Raises:
            EmorecError: OpenCV cannot encode it.
        """
        done, data = cv2.imencode(".png", self.image[:, :, ::-1])
        if not done:
            raise EmorecError(f"{self.path}: the image cannot be encoded as PNG")
        return data.tobytes()


def confident_mistakes(
    probabilities: Probabilities, examples: Examples, images: Image
) -> tuple[Mistake, ...]:
    """Find the `MAX_MISTAKES` mistakes with the highest confidence, highest first.

    Args:
        probabilities: Shape (n, classes).
        examples: n images with their targets.
        images: Inputs of the classifier, shape (n, size, size, channels), uint8, RGB order.
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
            "" if examples.votes is None else votes_text(examples.votes[index]),
            images[index].copy(),
        )
        for index in wrong[:MAX_MISTAKES]
    )


def votes_text(votes: npt.NDArray[np.int64]) -> str:
    """Describe the votes on an image, shape (10,), most frequent first: "sad 6, neutral 4"."""
    counts = sorted(
        ((int(n), name) for n, name in zip(votes, VOTE_CLASSES, strict=True) if n),
        key=lambda pair: -pair[0],
    )
    return ", ".join(f"{name.replace('_', ' ')} {n}" for n, name in counts)


def mistake_grid(mistakes: Iterable[Mistake]) -> str:
    """Render mistakes as images with captions, in HTML."""
    figures = []
    for entry in mistakes:
        votes = f"<br>votes: {html.escape(entry.votes)}" if entry.votes else ""
        figures.append(
            f"<figure>{image_tag(entry.to_png(), entry.path.name)}<figcaption>"
            f"<b>{html.escape(entry.predicted)}</b> {entry.confidence:.0%}, label "
            f"<b>{html.escape(entry.label)}</b>{votes}<br>{html.escape(entry.path.name)}"
            "</figcaption></figure>"
        )
    return f'<div class="grid">{"".join(figures)}</div>'
