"""Compensates class imbalance: loss weights, resampling and logit adjustment."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from emorec.labels import Targets
from emorec.training.config_groups import BalanceConfig

Vector = npt.NDArray[np.float64]


def training_prior(targets: Targets) -> Vector:
    """Compute the class frequencies of targets.

    Args:
        targets: Shape (n, classes), float32, rows sum to 1.

    Returns:
        Shape (classes,), sum 1. A class without images counts as one image, so that its
        logarithm exists.
    """
    counts: Vector = np.maximum(targets.sum(axis=0, dtype=np.float64), 1)
    return counts / float(counts.sum())


def learned_prior(targets: Targets, config: BalanceConfig) -> Vector:
    """Compute the class prior that a model learns: the training prior after the compensation.

    Args:
        targets: Shape (n, classes), float32, rows sum to 1.
        config: The compensation of class imbalance.

    Returns:
        Shape (classes,), sum 1.
    """
    strength = config.balance_strength if config.balance != "none" else config.logit_adjustment
    prior: Vector = training_prior(targets) ** (1 - strength)
    return prior / float(prior.sum())


def class_weights(targets: Targets, strength: float) -> Vector:
    """Compute class weights 1 / prior ** strength, scaled to a mean weight of 1 over the images.

    Args:
        targets: Shape (n, classes), rows sum to 1.
        strength: 0 for equal weights, 1 for classes of equal total weight.

    Returns:
        Shape (classes,).
    """
    weights: Vector = training_prior(targets) ** -strength
    return weights / float((targets @ weights).mean())


def sampled_order(weights: Vector, generator: np.random.Generator) -> npt.NDArray[np.intp]:
    """Resample images in proportion to their weights, in random order.

    Systematic resampling: an image with an expected count of 2.3 is drawn twice or three times.
    That varies less than independent draws.

    Args:
        weights: Shape (n,), not negative.
        generator: Random generator.

    Returns:
        n indices.
    """
    count = len(weights)
    ends = np.cumsum(weights, dtype=np.float64)
    points = (np.arange(count) + generator.random()) * (ends[-1] / count)
    order = np.searchsorted(ends, points, side="right")
    return generator.permutation(np.minimum(order, count - 1))


class AdjustLogits(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Adds strength * log(prior) to the logits during training only.

    With the cross-entropy of the adjusted logits, the unadjusted logits predict as if all classes
    had the same frequency (Menon et al. 2021, "Long-tail learning via logit adjustment",
    equation 10).
    """

    def __init__(self, prior: Vector, strength: float):
        """Compute the offsets.

        Args:
            prior: Frequency of each class, shape (classes,).
            strength: tau of the paper, which uses 1.
        """
        super().__init__(name="adjust_logits", dtype="float32")
        self._offsets = (strength * np.log(prior)).astype(np.float32)

    def call(self, logits: Any, training: bool = False) -> Any:
        """Adjust logits of shape (batch, classes)."""
        return logits + self._offsets if training else logits


def with_adjusted_logits(model: keras.Model, targets: Targets, strength: float) -> keras.Model:
    """Extend a classifier by the logit adjustment; both models share their weights.

    Args:
        model: Classifier with logits as output.
        targets: Training targets, shape (n, classes), rows sum to 1.
        strength: Strength tau of the adjustment.
    """
    adjust = AdjustLogits(training_prior(targets), strength)
    return keras.Model(model.input, adjust(model.output), name=model.name)
