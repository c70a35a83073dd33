"""Resolves the initial weights of a training run that a user names."""

from pathlib import Path

from emorec import resources
from emorec.errors import ModelError
from emorec.metadata import ModelMetadata
from emorec.models.files import find_model, read_metadata
from emorec.suggestions import did_you_mean

SHIPPED = "emorec"
"""Value of the settings `weights` and `teacher_probabilities` for what emorec ships."""

KEYWORDS = ("none", "imagenet", SHIPPED)
"""Names of initial weights that are no file: random ones, ImageNet's, and the shipped model's."""

_FORMATS = ("keras", "h5")


def find_weights(named: str) -> Path:
    """Resolve the name of initial weights to their file.

    Args:
        named: A model, see `emorec.models.files.find_model`, or a file of Keras weights.

    Raises:
        ModelError: Nothing has that name, or its file is of another format.
    """
    try:
        return find_model(named, _FORMATS)
    except ModelError as error:
        advice = did_you_mean(named, KEYWORDS) or (
            "use --weights none (random), imagenet, emorec, or the name or path of a model"
        )
        raise ModelError(f"{error}; {advice}") from error


def initial_metadata(named: str, arch: str = "compact") -> ModelMetadata | None:
    """Read the metadata of the model that initial weights are.

    Args:
        named: The name of the weights.
        arch: Architecture of which `emorec` is the shipped model.

    Returns:
        None for weights without metadata: random ones, those of ImageNet, and weights files.

    Raises:
        ModelError: As for `find_weights`; or the model is damaged.
    """
    if named in KEYWORDS and named != SHIPPED:
        return None
    path = resources.shipped_keras_model(arch) if named == SHIPPED else find_weights(named)
    return read_metadata(path) if path.suffix == ".keras" else None
