"""Finds labels that are probably wrong by confident learning.

Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels"
(Journal of Artificial Intelligence Research 70). The probabilities must come from a model that was
not trained on the images.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emorec.evaluation.metrics import Probabilities
from emorec.labels import Targets

Matrix = npt.NDArray[np.float64]

_TINY = 1e-9
"""Smallest probability that enters a logarithm."""


@dataclass(frozen=True)
class LabelNoise:
    """Estimated errors of the labels of n images of m classes.

    Attributes:
        thresholds: Mean probability of each class over the images with its label, shape (m,); NaN
            for a class without an image.
        confident_joint: Number of images by label (row) and by the class that the model is
            confident of (column), shape (m, m), int64.
        estimated: Estimated number of images by label (row) and by true class (column), shape
            (m, m). A row sums to the number of images with its label.
        disagreement: Kullback-Leibler divergence of the probabilities from the label in nats,
            shape (n,). For a single label it is -log of its probability.
        suspects: Indices of the images whose labels are probably wrong, worst first.
    """

    thresholds: Matrix
    confident_joint: npt.NDArray[np.int64]
    estimated: Matrix
    disagreement: Matrix
    suspects: npt.NDArray[np.intp]

    @property
    def errors(self) -> float:
        """Estimated number of label errors."""
        return float(self.estimated.sum() - np.trace(self.estimated))


def find_label_noise(
    probabilities: Probabilities, labels: npt.NDArray[np.intp], shares: Targets | None = None
) -> LabelNoise:
    """Estimate how many labels are wrong, and which.

    A model is confident of a class whose probability is at least the mean probability of the
    images with that label; of several, of the most probable one (section 3.1). The counts by label
    and confident class, scaled to the number of images of each label, estimate the joint
    distribution of given and true labels (equation 3). Of each label as many images are suspects
    as it has estimated errors ("prune by class", section 3.2): those that disagree most, if the
    most probable class is another one.

    Args:
        probabilities: Shape (n, m); each row sums to 1.
        labels: Index of the class of each image, shape (n,).
        shares: Shares of the votes on each class, shape (n, m), each row with the sum 1; the images
            are then ranked by the divergence from them, so an image on which people disagree ranks
            low. None ranks by the label alone.
    """
    count = probabilities.shape[1]
    p = np.asarray(probabilities, np.float64)
    given = labels[:, None] == np.arange(count)
    images = given.sum(axis=0)
    thresholds = np.full(count, np.nan)
    np.divide((p * given).sum(axis=0), images, out=thresholds, where=images > 0)
    candidates = np.where(p >= thresholds, p, -1)  # false for NaN
    confident = candidates.max(axis=1, initial=-1) >= 0
    joint = np.zeros((count, count), np.int64)
    np.add.at(joint, (labels[confident], candidates.argmax(axis=1)[confident]), 1)
    rows = joint.sum(axis=1, keepdims=True)
    rates = np.where(rows > 0, joint / rows.clip(min=1), np.eye(count))
    estimated = rates * images[:, None]
    target = given if shares is None else np.asarray(shares, np.float64)
    logarithms = np.log(target.clip(min=_TINY)) - np.log(p.clip(min=_TINY))
    disagreement = (target * logarithms).sum(axis=1)
    differs = p.argmax(axis=1) != labels
    chosen = []
    for label in range(count):
        wrong = round(float(estimated[label].sum() - estimated[label, label]))
        inside = np.flatnonzero(differs & (labels == label))
        chosen.append(inside[np.argsort(-disagreement[inside], kind="stable")[:wrong]])
    suspects = np.concatenate(chosen) if chosen else np.zeros(0, np.intp)
    suspects = suspects[np.argsort(-disagreement[suspects], kind="stable")]
    return LabelNoise(thresholds, joint, estimated, disagreement, suspects)
