"""Describes what a client can choose: models, detectors and options, each with an explanation."""

from typing import Any

from emorec.app.recognizers import RecognitionOptions, named_models
from emorec.detection.registry import DETECTORS
from emorec.errors import ModelError
from emorec.media.drawing import emotion_colors
from emorec.media.text_drawing import Color
from emorec.metadata import MAX_ADJUSTMENT
from emorec.models.accuracy import measured_accuracy
from emorec.models.files import read_metadata
from emorec.models.registry import ModelFile
from emorec.types import BLURS

Description = dict[str, Any]

_DETECTORS = {
    "yunet": "Finds most faces, also small and tilted ones. The best choice for photos and video.",
    "haar": "The classic method of 2001. Finds fewer faces, frontal ones only, and is slower.",
    "none": "Searches no face: each image is taken as one face, for images that are cut out.",
}
"""Explanations for people who do not know the names; other detectors have that of the table."""

_PRIORS = {
    "": ("the model's own", "A compromise that was chosen for the model."),
    "natural": ("natural", "Expects emotions as often as in the training data; most often right."),
    "balanced": ("balanced", "Expects all emotions equally often; finds more of the rare ones."),
}


def describe_models() -> list[Description]:
    """Describe the models that requests can name: accuracy, labels and licence.

    Raises:
        EmorecError: The installation is incomplete.
    """
    return [_describe_model(name, file) for name, file in named_models().items()]


def _describe_model(name: str, file: ModelFile) -> Description:
    entry: Description = {"name": name, "problem": file.problem()}
    if entry["problem"]:
        return entry
    try:
        metadata = read_metadata(file.path)
    except ModelError as error:
        return {**entry, "problem": str(error)}
    measured = measured_accuracy().get(file.sha256)
    eight = "contempt" in metadata.labels and len(metadata.labels) == 8
    return {
        **entry,
        "version": metadata.version,
        "labels": list(metadata.labels),
        "classes": [7, 8] if eight else [len(metadata.labels)],
        "accuracy": measured and measured.accuracy,
        "balanced_accuracy": measured and measured.balanced_accuracy,
        "license": metadata.license,
        "explanation": _explain_model(measured.accuracy if measured else None, file),
    }


def _explain_model(accuracy: float | None, file: ModelFile) -> str:
    size = f"{file.path.stat().st_size / 1e6:.1f} MB"
    if accuracy is None:
        return f"{size}; its accuracy was not measured here."
    share = f"{accuracy:.1%} of the validation photos (FER+)"
    return f"{size}; answers as most annotators did on {share}."


def describe_options() -> Description:
    """Describe the options with their defaults, and the colours of the emotions."""
    defaults = RecognitionOptions()
    return {
        "detector": {
            "default": defaults.detector,
            "explanation": "How faces are searched.",
            "choices": [
                {
                    "value": entry.name,
                    "explanation": _DETECTORS.get(entry.name, entry.help),
                    "landmarks": entry.landmarks,
                }
                for entry in DETECTORS.values()
            ],
        },
        "classes": {
            "default": defaults.classes,
            "explanation": "Seven emotions, or eight with contempt, which is rarely right.",
            "choices": [{"value": 7}, {"value": 8}],
        },
        "prior": {
            "default": "",
            "explanation": "How often the model expects each emotion, before it looks at a face.",
            "choices": [
                {"value": value, "name": name, "explanation": text}
                for value, (name, text) in _PRIORS.items()
            ],
            "minimum": 0,
            "maximum": MAX_ADJUSTMENT,
        },
        "min_confidence": {
            "default": defaults.min_confidence,
            "minimum": 0,
            "maximum": 1,
            "explanation": "Emotions with a lower confidence are marked as uncertain (?).",
        },
        "flip": {
            "default": defaults.flip,
            "explanation": "Also look at the mirror image of each face: a little more accurate, "
            "twice the time.",
        },
        "align": {
            "default": defaults.align,
            "explanation": "Rotate tilted faces upright before they are classified.",
            "choices": [{"value": "auto"}, {"value": "on"}, {"value": "off"}],
        },
        "blur": {
            "default": "",
            "explanation": "Make the faces that were found unrecognisable, here and in saved "
            "images and videos.",
            "choices": [{"value": "", "name": "off"}, *({"value": name} for name in BLURS)],
        },
    }


def label_colors(labels: list[str]) -> dict[str, str]:
    """Return the colour of each label as "#rrggbb"; those of the annotated images."""
    return {label: _hex(color) for label, color in emotion_colors(labels).items()}


def _hex(color: Color) -> str:
    blue, green, red = color
    return f"#{red:02x}{green:02x}{blue:02x}"
