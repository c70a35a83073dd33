"""Makes the recognizers that requests ask for, and keeps the models of the last ones."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from emorec import resources
from emorec.batch.detect_job import RecognizerSettings
from emorec.detection.base import FaceDetector
from emorec.detection.registry import DEFAULT_DETECTOR, detector_entry, make_detector
from emorec.errors import ConfigError
from emorec.inference.classifier import EmotionClassifier
from emorec.inference.recognizer import EmotionRecognizer
from emorec.media.blurring import check_method
from emorec.models.files import find_model, listed_models
from emorec.models.registry import EMOTIONS, ModelFile
from emorec.probabilities import parse_prior
from emorec.short_repr import short_repr
from emorec.suggestions import unknown_name
from emorec.types import ALIGNMENTS

_KEPT_MODELS = 3

_BOOLEANS = {"": True, "1": True, "true": True, "on": True, "0": False, "false": False}
_BOOLEANS["off"] = False


@dataclass(frozen=True)
class RecognitionOptions:
    """The options of `emorec detect` that a request can set, with its defaults.

    Attributes:
        model: Name of a model; "" is the one that the app was started with.
        detector: Name of the detector.
        classes: 7 or 8.
        prior: Strength of the logit adjustment; None is the model's own.
        min_confidence: Least confidence of an emotion that is not uncertain, 0 to 1.
        flip: Classify the mirror image of each face too.
        align: "auto", "on" or "off".
    """

    model: str = ""
    detector: str = DEFAULT_DETECTOR
    classes: int = 7
    prior: float | None = None
    min_confidence: float = 0.0
    flip: bool = False
    align: str = "auto"


OPTION_NAMES = tuple(field.name for field in fields(RecognitionOptions))


def read_options(query: Mapping[str, str], others: tuple[str, ...] = ()) -> RecognitionOptions:
    """Convert the query of a request.

    Args:
        query: The parameters by name.
        others: Names of parameters that the caller reads.

    Raises:
        ConfigError: A parameter is unknown or its value wrong.
    """
    for name in query:
        if name not in (*OPTION_NAMES, *others):
            raise ConfigError(unknown_name("parameter", name[:50], (*OPTION_NAMES, *others)))
    given: dict[str, Any] = {name: query[name] for name in OPTION_NAMES if query.get(name)}
    given.pop("flip", None)
    if "detector" in given:
        given["detector"] = detector_entry(given["detector"]).name
    if "classes" in given:
        given["classes"] = _number("classes", given["classes"], int)
    if "min_confidence" in given:
        given["min_confidence"] = _number("min_confidence", given["min_confidence"], float)
        if not 0 <= given["min_confidence"] <= 1:
            raise ConfigError(f"min_confidence must be 0 to 1; received {given['min_confidence']}")
    if "prior" in given:
        given["prior"] = parse_prior(given["prior"])
    if given.get("align", "auto") not in ALIGNMENTS:
        known = ", ".join(ALIGNMENTS)
        raise ConfigError(f"align must be one of {known}; received {short_repr(given['align'])}")
    return RecognitionOptions(**given, flip=read_switch(query, "flip"))


def read_switch(query: Mapping[str, str], name: str) -> bool:
    """Read a parameter that is on or off; off where it is missing.

    Raises:
        ConfigError: It has another value.
    """
    value = query.get(name, "0").lower()
    if value not in _BOOLEANS:
        raise ConfigError(f"{name} must be 1 or 0; received {short_repr(value)}")
    return _BOOLEANS[value]


def read_blur(query: Mapping[str, str]) -> str | None:
    """Read the method of blurring; None where faces are shown.

    Raises:
        ConfigError: The method is unknown.
    """
    return check_method(query["blur"]) if query.get("blur") else None


def _number(name: str, text: str, kind: type[int] | type[float]) -> int | float:
    try:
        return kind(text)
    except ValueError:
        raise ConfigError(f"{name} must be a number; received {short_repr(text)}") from None


class Recognizers:
    """Makes recognizers; detectors and the models of the last ones stay loaded.

    Args:
        default_model: ONNX file of the model that requests get which name none; None is the
            shipped one.

    Attributes:
        default_model: The file.

    Raises:
        EmorecError: The model is missing or broken.
    """

    def __init__(self, default_model: Path | None = None) -> None:
        self.default_model = default_model or resources.shipped_model()
        self._classifiers: OrderedDict[tuple[Path, float | None, bool], EmotionClassifier]
        self._classifiers = OrderedDict()
        self._detectors: dict[tuple[str, bool], FaceDetector] = {}
        self._lock = threading.Lock()
        self.open(RecognitionOptions())

    def open(self, options: RecognitionOptions, for_video: bool = False) -> EmotionRecognizer:
        """Make a recognizer, as `emorec detect` does for the same options.

        Args:
            options: The options.
            for_video: Use the detector's defaults for the frames of videos.

        Raises:
            ConfigError: The options do not go together, or no model has the name.
            ModelError: The model is broken.
            MissingDependencyError: OpenCV lacks the detector.
        """
        settings = RecognizerSettings(
            partial(self._detector, options.detector, for_video),
            self.model_file(options.model),
            prior=options.prior,
            classes=options.classes,
            min_confidence=options.min_confidence,
            flip=options.flip,
            align=options.align,
        )
        return settings.open(partial(self._classifier, settings))

    def model_file(self, name: str) -> Path:
        """Return the file of a model of `named_models`; never one of a path.

        Raises:
            ConfigError: No model has the name.
        """
        if not name:
            return self.default_model
        models = named_models()
        if name not in models:
            raise ConfigError(unknown_name("model", name[:100], tuple(models)))
        return find_model(name, ("onnx",))

    def _detector(self, name: str, for_video: bool) -> FaceDetector:
        with self._lock:
            if (name, for_video) not in self._detectors:
                self._detectors[name, for_video] = make_detector(name, for_video=for_video)
            return self._detectors[name, for_video]

    def _classifier(self, settings: RecognizerSettings) -> EmotionClassifier:
        key = (settings.model_file, settings.prior, settings.flip)
        with self._lock:
            if key not in self._classifiers:
                self._classifiers[key] = settings.open_classifier()
            self._classifiers.move_to_end(key)
            while len(self._classifiers) > _KEPT_MODELS:
                self._classifiers.popitem(last=False)
            return self._classifiers[key]


def named_models() -> dict[str, ModelFile]:
    """Return the shipped and the pulled ONNX models by name."""
    files = listed_models()
    return {
        file.name: file for file in files if file.kind == EMOTIONS and file.path.suffix == ".onnx"
    }
