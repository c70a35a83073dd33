"""Turns logits into probabilities, with the training prior taken out as far as is asked for."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.errors import ConfigError, ModelError
from emorec.metadata import MAX_TAU, ModelMetadata

NAMED = {"natural": 0.0, "balanced": 1.0}
"""Strengths that have a name: the prior as the training data had it, and none."""


def parse_prior(prior: str | float) -> float:
    """Read how much of the training prior is to be taken out.

    Args:
        prior: "natural", "balanced", or a number tau from 0 (natural) to `MAX_TAU`; 1 is balanced.

    Returns:
        tau.

    Raises:
        ConfigError: It is none of them.
    """
    if isinstance(prior, str) and prior in NAMED:
        return NAMED[prior]
    try:
        tau = float(prior)
    except ValueError:
        tau = math.nan
    if not 0 <= tau <= MAX_TAU:
        raise ConfigError(
            f"the prior must be natural, balanced or a number from 0 (natural) to {MAX_TAU:g}; "
            f"received {prior!r}"
        )
    return tau


def prior_strength(prior: str | float | None, metadata: ModelMetadata, source: str) -> float:
    """Decide how much of a model's training prior is taken out.

    Args:
        prior: As for `parse_prior`; None takes the model's own default.
        metadata: Of the model.
        source: Name of its file, for messages.

    Raises:
        ConfigError: The prior is no such value.
        ModelError: It is to be taken out, but the model does not say what it was.
    """
    tau = metadata.default_prior if prior is None else parse_prior(prior)
    if tau and metadata.prior is None:
        raise ModelError(
            f"{source}: the model does not say how frequent each emotion was in its training "
            "data, so only the prior 'natural' can be had"
        )
    return tau


def prior_offsets(metadata: ModelMetadata, tau: float) -> npt.NDArray[np.float64]:
    """Give tau * log(prior) of each class, shape (classes,); zeros where tau is 0."""
    if not tau or metadata.prior is None:
        return np.zeros(len(metadata.labels))
    return np.asarray(tau * np.log(metadata.prior))


def probabilities_from_logits(
    logits: npt.NDArray[Any], temperature: float, offsets: npt.NDArray[Any] | float = 0.0
) -> npt.NDArray[np.float64]:
    """Compute softmax(logits / temperature - offsets).

    Taking tau * log(prior) off the logits is the post-hoc logit adjustment of Menon et al. 2020,
    "Long-tail learning via logit adjustment".

    Args:
        logits: Shape (n, classes).
        temperature: Above 0.
        offsets: From `prior_offsets`.

    Returns:
        Shape (n, classes); each row sums to 1.
    """
    scaled = logits.astype(np.float64) / temperature - offsets
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))
