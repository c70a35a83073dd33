"""Evens out classes of different frequency: weights, sampling and adjusted logits."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from emorec.labels import Targets
from emorec.training.config import TrainConfig

Vector = npt.NDArray[np.float64]


def training_prior(targets: Targets) -> Vector:
    """Give the share of each class among targets, shape (n, classes), whose rows sum to 1.

    A class without any counts as one image, so that its logarithm exists.
    """
    counts: Vector = np.maximum(targets.sum(axis=0, dtype=np.float64), 1)
    return counts / float(counts.sum())


def learned_prior(targets: Targets, config: TrainConfig) -> Vector:
    """Give the prior that a model's answers follow: what the evening out leaves of the classes'."""
    evened = config.balance_strength if config.balance != "none" else config.logit_adjustment
    prior: Vector = training_prior(targets) ** (1 - evened)
    return prior / float(prior.sum())


def class_weights(targets: Targets, strength: float) -> Vector:
    """Weigh the classes by 1 / prior ** strength, scaled so that an image weighs 1 on average.

    Args:
        targets: Shape (n, classes), rows sum to 1.
        strength: 0 for equal weights, 1 for classes that count the same in all.

    Returns:
        Shape (classes,).
    """
    weights: Vector = training_prior(targets) ** -strength
    return weights / float((targets @ weights).mean())


def sampled_order(weights: Vector, generator: np.random.Generator) -> npt.NDArray[np.intp]:
    """Draw as many images as there are, in proportion to their weights, in random order.

    The draw is systematic: an image that is due 2.3 times comes twice or three times. That varies
    less than independent draws do.

    Args:
        weights: Shape (n,), none negative.
        generator: Source of every draw.

    Returns:
        n indices.
    """
    count = len(weights)
    ends = np.cumsum(weights, dtype=np.float64)
    points = (np.arange(count) + generator.random()) * (ends[-1] / count)
    order = np.searchsorted(ends, points, side="right")
    return generator.permutation(np.minimum(order, count - 1))


class AdjustLogits(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Adds tau * log(prior) to the logits while training, and nothing otherwise.

    The cross-entropy of the adjusted logits makes the plain ones answer as if all classes were
    equally frequent (Menon et al. 2021, "Long-tail learning via logit adjustment", equation 10).
    """

    def __init__(self, prior: Vector, tau: float):
        """Keep the offsets.

        Args:
            prior: Share of each class, shape (classes,).
            tau: Factor of the logarithms; 1 is that of the paper.
        """
        super().__init__(name="adjust_logits", dtype="float32")
        self._offsets = (tau * np.log(prior)).astype(np.float32)

    def call(self, logits: Any, training: bool = False) -> Any:
        """Adjust logits of shape (batch, classes)."""
        return logits + self._offsets if training else logits


def with_adjusted_logits(model: keras.Model, targets: Targets, tau: float) -> keras.Model:
    """Give a model over the same weights that adjusts its logits while it trains."""
    adjust = AdjustLogits(training_prior(targets), tau)
    return keras.Model(model.input, adjust(model.output), name=model.name)
