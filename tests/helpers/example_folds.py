"""The figures of a small cross-validation, computed from made-up predictions."""

from pathlib import Path

import numpy as np

from emorec.datasets.manifest import Examples
from emorec.evaluation.assessment import assess
from emorec.evaluation.fold_scores import CrossValidation, choose_epochs, cross_validation
from helpers.metadata_example import METADATA

LABELS = METADATA.labels


def figures(groups: np.ndarray | None) -> CrossValidation:
    """Figures of 60 images in three folds, of which 36 are classified correctly."""
    image = np.arange(60)
    truth = (5 * image + image // 9) % 7
    predicted = np.where(image * image % 11 < 4, image // 2 % 7, truth)
    one_hot = np.eye(7, dtype=np.float32)
    evaluation = assess(
        Path("final/model.onnx"),
        METADATA,
        Examples(
            [Path(f"data/{index}.png") for index in image], one_hot[truth], LABELS, None, groups
        ),
        images=np.zeros((60, 4, 4, 1), np.uint8),
        logits=3 * one_hot[predicted],
    )
    choice = choose_epochs(np.array([[1, 2], [3, 1], [2, 2]]))
    return cross_validation(evaluation, image % 3 + 1, choice, np.full((3, 2), 0.5))
