"""A data set whose label errors are known, with the answers of a model."""

from pathlib import Path

import cv2
import numpy as np

from emorec.datasets.manifest import PreparedDataset
from emorec.evaluation.label_errors import ModelAnswers
from emorec.labels import VOTE_CLASSES

NAMES = ("happy", "sad")
COUNT = 40
WRONG = 3
"""Row of an image whose label and votes are wrong."""
AMBIGUOUS = 7
"""Row of an image that the model takes for another class, and on which voters disagree."""


def noisy_data(root: Path, voted: bool = True) -> PreparedDataset:
    """Forty images in turns of two classes, one with a wrong label; written to disk."""
    labels = np.array([NAMES[row % 2] for row in range(COUNT)])
    labels[WRONG] = "happy"
    splits = np.array(["train"] * 30 + ["validation"] * 10)
    paths = np.array([f"train/{label}/{row:02}.png" for row, label in enumerate(labels)])
    votes = np.zeros((COUNT, len(VOTE_CLASSES)), np.int64)
    for row, label in enumerate(labels):
        votes[row, VOTE_CLASSES.index(label)] = 10
    votes[AMBIGUOUS, :4] = (0, 4, 0, 6)
    for row, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / path), np.full((8, 8), 5 * row, np.uint8))
    policy = "dominant" if voted else None
    return PreparedDataset(root, paths, splits, labels, votes if voted else None, NAMES, policy)


def answers() -> ModelAnswers:
    """A model that knows the true classes, and is wrong about the ambiguous image."""
    sad = np.where(np.arange(COUNT) % 2, 0.95, 0.05)
    sad[AMBIGUOUS] = 0.02
    return ModelAnswers("known", np.arange(COUNT), np.stack([1 - sad, sad], axis=1))
