"""Metadata of model files: the contract between training, export and inference."""

import json
import sys
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from emorec.errors import ModelError
from emorec.labels import is_printable
from emorec.preprocessing import COLORS, INTERPOLATIONS
from emorec.short_repr import short_repr
from emorec.types import MAX_CROP_MARGIN, MIN_CROP_MARGIN

METADATA_KEY = "emorec"
"""Metadata property of an ONNX file that holds the JSON text of a `ModelMetadata`."""

COST_KEY = "emorec-cost"
"""Property with the JSON text of a `ModelCost`; files written before 0.2 lack it."""

SCHEMA_VERSION = 2
"""Value of the key "format"."""

MAX_INPUT_SIZE = 1024

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.01, 100.0
"""Range of the divisor of the logits."""

OWN_PREFIX = "emorec-"
"""Beginning of the names of the models in the package, and of no other model."""

_MAX_NAME = 100

MAX_ADJUSTMENT = 2.0
"""Largest strength of the logit adjustment; 1 removes the whole training prior."""

_PRIOR_TOLERANCE = 1e-3

MIN_CALIBRATION_IMAGES = 50
"""A temperature that rests on fewer images is not used: the confidence is not calibrated."""

_MAX_COUNT = 10**18

_OPTIONAL = {"align": False, "calibration_images": None}
"""Values of fields that files of emorec 0.1 lack."""

_NOT_IN_VERSION_1 = {"prior": None, "default_prior": 0.0}


@dataclass(frozen=True)
class ModelMetadata:
    """Everything needed to prepare a model's input and to interpret its output.

    Attributes:
        name: Short name of the model.
        version: Version of the model.
        architecture: Name of the architecture.
        labels: Emotion of each logit, in order.
        color: "gray" (one channel) or "rgb" (three channels in that order).
        input_size: Side of the square input in pixels; values 0..255, float32, NHWC.
        interpolation: Method that resizes crops; see `emorec.preprocessing.INTERPOLATIONS`.
        crop_margin: Margin added to each side of a detector's box, as a share of the box.
        temperature: Divisor of the logits before the softmax.
        training_data: Description of the training data.
        license: Licence of the weights.
        created_with: emorec version that wrote the file.
        prior: Share of each label among the training targets, in order; None if unknown.
        default_prior: Default strength of the logit adjustment, see `emorec.probabilities`; 0
            leaves the logits unchanged.
        align: Crops of tilted faces are rotated by default so that the eyes are level; see
            `emorec.preprocessing.crop_face`.
        calibration_images: Number of images that the temperature rests on; None if unknown.
    """

    name: str
    version: str
    architecture: str
    labels: tuple[str, ...]
    color: str
    input_size: int
    interpolation: str
    crop_margin: float
    temperature: float
    training_data: str
    license: str
    created_with: str
    prior: tuple[float, ...] | None = None
    default_prior: float = 0.0
    align: bool = False
    calibration_images: int | None = None

    @property
    def calibrated(self) -> bool | None:
        """Whether enough images calibrate the confidence; None if their number is unknown."""
        if self.calibration_images is None:
            return None
        return self.calibration_images >= MIN_CALIBRATION_IMAGES

    @property
    def channels(self) -> int:
        """Number of channels of the input."""
        return 1 if self.color == "gray" else 3

    def to_json(self) -> str:
        """Return the metadata as JSON text."""
        return json.dumps({"format": SCHEMA_VERSION, **asdict(self)}, indent=2)

    def replaced(self, **changes: Any) -> Self:
        """Return a copy with some fields changed."""
        return replace(self, **changes)

    @classmethod
    def from_json(cls, text: str, source: str) -> Self:
        """Parse and validate metadata.

        Args:
            text: JSON text, as `to_json` returns it.
            source: Name of the file, for messages.

        Raises:
            ModelError: The text is not a JSON object, its schema version is unknown, or a field
                is missing or invalid.
        """
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{source}: its emorec metadata is not JSON ({error})") from error
        if not isinstance(found, dict):
            raise ModelError(f"{source}: its emorec metadata is not a JSON object")
        version = found.pop("format", None)
        if version not in (1, SCHEMA_VERSION):
            raise ModelError(
                f"{source}: unknown metadata format {short_repr(version)}; this emorec reads 1 and "
                f"{SCHEMA_VERSION}"
            )
        if version == 1:
            found = {**_NOT_IN_VERSION_1, **found}
        found = {**_OPTIONAL, **found}
        names = {field.name for field in fields(cls)}
        missing = sorted(names - found.keys())
        if missing:
            raise ModelError(f"{source}: its emorec metadata lacks {', '.join(missing)}")
        try:
            problem = _problem(found)
        except RecursionError:
            problem = "a value is nested too deeply"
        if problem:
            raise ModelError(f"{source}: its emorec metadata is invalid: {problem}")
        # Unknown fields are ignored: a later emorec may add some.
        kept = {name: found[name] for name in names}
        kept["labels"] = tuple(kept["labels"])
        if kept["prior"] is not None:
            kept["prior"] = tuple(kept["prior"])
        return cls(**kept)


@dataclass(frozen=True)
class ModelCost:
    """Size and computational cost of a model.

    Attributes:
        parameters: Number of weights.
        multiply_adds: Multiply-adds for one face.
    """

    parameters: int
    multiply_adds: int

    def to_json(self) -> str:
        """Return the cost as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str, source: str) -> Self:
        """Parse the text that `to_json` returned.

        Raises:
            ModelError: The text is invalid.
        """
        try:
            found = json.loads(text)
            values = {field.name: found[field.name] for field in fields(cls)}
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ModelError(f"{source}: its {COST_KEY} metadata is invalid") from (error)
        if not all(type(value) is int and 0 <= value <= _MAX_COUNT for value in values.values()):
            raise ModelError(
                f"{source}: its {COST_KEY} metadata must be integers, 0 to {_MAX_COUNT}"
            )
        return cls(**values)


def calibration_problem(images: int | None) -> str | None:
    """Describe why the confidence of a model is not calibrated; None if it is, or if unknown.

    Args:
        images: `ModelMetadata.calibration_images`.
    """
    if images is None or images >= MIN_CALIBRATION_IMAGES:
        return None
    return (
        f"confidence not calibrated: the model had {images} images for it, at least "
        f"{MIN_CALIBRATION_IMAGES} are needed; rely on the order of the labels, not on the figures"
    )


def name_problem(name: str) -> str | None:
    """Describe why a user's model cannot have a name; None if it can."""
    if not name.strip() or len(name) > _MAX_NAME or not is_printable(name):
        return f"a name has 1 to {_MAX_NAME} printable characters; received {name!a:.80}"
    if name.lower().startswith(OWN_PREFIX):
        return (
            f"names that begin with {OWN_PREFIX} are those of the models in the package; received "
            f"{name!r:.80}; choose another name"
        )
    return None


def _is_number(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    # Unlike math.isfinite this accepts integers of any size; it is false for NaN too.
    return abs(value) <= sys.float_info.max


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can hold
        return False
    return True


def _problem(found: dict[str, Any]) -> str | None:
    """Describe the first invalid value; None if all are valid."""
    labels, size = found["labels"], found["input_size"]
    texts = ("name", "version", "architecture", "training_data", "license", "created_with")
    for name in texts:
        if not isinstance(found[name], str) or not _is_unicode(found[name]):
            return f"{name} must be text without lone surrogates; received {found[name]!a:.80}"
    if (
        not isinstance(labels, list)
        or not 2 <= len(labels) <= 1000
        or not all(isinstance(label, str) and label for label in labels)
        or len(set(labels)) != len(labels)
    ):
        return f"labels must be a list of distinct names; received {labels!r:.80}"
    unprintable = [label for label in labels if not is_printable(label)]
    if unprintable:
        return (
            "labels must be without control characters, line breaks and lone surrogates; "
            f"received {unprintable[0]!a:.80}"
        )
    if found["color"] not in COLORS:
        return f"color must be one of {', '.join(COLORS)}; received {short_repr(found['color'])}"
    if found["interpolation"] not in INTERPOLATIONS:
        return (
            f"interpolation must be one of {', '.join(INTERPOLATIONS)}; "
            f"received {short_repr(found['interpolation'])}"
        )
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAX_INPUT_SIZE:
        return f"input_size must be 1 to {MAX_INPUT_SIZE}; received {short_repr(size)}"
    if not _is_number(found["crop_margin"]) or not (
        MIN_CROP_MARGIN <= found["crop_margin"] <= MAX_CROP_MARGIN
    ):
        return (
            f"crop_margin must be {MIN_CROP_MARGIN:g} to {MAX_CROP_MARGIN:g}; "
            f"received {short_repr(found['crop_margin'])}"
        )
    if not _is_number(found["temperature"]) or not (
        MIN_TEMPERATURE <= found["temperature"] <= MAX_TEMPERATURE
    ):
        return (
            f"temperature must be {MIN_TEMPERATURE:g} to {MAX_TEMPERATURE:g}; "
            f"received {short_repr(found['temperature'])}"
        )
    prior, default_prior = found["prior"], found["default_prior"]
    if prior is not None and not (
        isinstance(prior, list)
        and len(prior) == len(labels)
        and all(_is_number(share) and share > 0 for share in prior)
        and abs(sum(prior) - 1) < _PRIOR_TOLERANCE
    ):
        return (
            "prior must be a share above 0 for each label, with sum 1; "
            f"received {short_repr(prior)}"
        )
    if not _is_number(default_prior) or not 0 <= default_prior <= MAX_ADJUSTMENT:
        return (
            f"default_prior must be 0 to {MAX_ADJUSTMENT:g}; received {short_repr(default_prior)}"
        )
    if default_prior and prior is None:
        return f"default_prior must be 0 without a prior; received {short_repr(default_prior)}"
    if not isinstance(found["align"], bool):
        return f"align must be true or false; received {short_repr(found['align'])}"
    images = found["calibration_images"]
    if images is not None and not (type(images) is int and 0 <= images <= _MAX_COUNT):
        return (
            f"calibration_images must be an integer, 0 to {_MAX_COUNT}, or null; "
            f"received {short_repr(images)}"
        )
    return None
