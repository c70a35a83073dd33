"""Conversion of logits to probabilities, with temperature and post-hoc logit adjustment.

Logit adjustment subtracts strength * log(prior) from the logits, where the prior is the share of
each label among the training targets (Menon et al. 2020, "Long-tail learning via logit
adjustment"; the paper calls the strength tau). It raises the probability of rare emotions.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.errors import ConfigError, ModelError
from emorec.metadata import MAX_ADJUSTMENT, ModelMetadata

NAMED_STRENGTHS = {"natural": 0.0, "balanced": 1.0}
"""Strengths with a name: the prior of the training data, and a uniform one."""


def parse_prior(prior: str | float) -> float:
    """Convert the value of a `prior` option to a strength of the logit adjustment.

    Args:
        prior: "natural" (0), "balanced" (1) or a number from 0 to `MAX_ADJUSTMENT`.

    Raises:
        ConfigError: The value is none of these.
    """
    if isinstance(prior, str) and prior in NAMED_STRENGTHS:
        return NAMED_STRENGTHS[prior]
    try:
        strength = float(prior)
    except ValueError:
        strength = math.nan
    if not 0 <= strength <= MAX_ADJUSTMENT:
        raise ConfigError(
            "the prior must be natural, balanced or a number from 0 (natural) to "
            f"{MAX_ADJUSTMENT:g}; received {prior!r}"
        )
    return strength


def adjustment_strength(prior: str | float | None, metadata: ModelMetadata, source: str) -> float:
    """Return the strength of the logit adjustment of a model.

    Args:
        prior: See `parse_prior`; None selects the model's own default.
        metadata: Metadata of the model.
        source: Name of its file, for messages.

    Raises:
        ConfigError: `prior` is invalid.
        ModelError: The strength is not 0, but the metadata hold no prior.
    """
    strength = metadata.default_prior if prior is None else parse_prior(prior)
    if strength and metadata.prior is None:
        raise ModelError(
            f"{source}: the model does not say how frequent each emotion was in its training "
            "data, so only the prior 'natural' is available"
        )
    return strength


def prior_offsets(metadata: ModelMetadata, strength: float) -> npt.NDArray[np.float64]:
    """Return strength * log(prior) of each class, shape (classes,); zeros for strength 0."""
    if not strength or metadata.prior is None:
        return np.zeros(len(metadata.labels))
    return np.asarray(strength * np.log(metadata.prior))


def probabilities_from_logits(
    logits: npt.NDArray[Any], temperature: float, offsets: npt.NDArray[Any] | float = 0.0
) -> npt.NDArray[np.float64]:
    """Compute softmax(logits / temperature - offsets).

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
