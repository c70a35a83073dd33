"""Requests get the recognizers that they ask for."""

import pytest

from emorec.app.recognizers import (
    RecognitionOptions,
    Recognizers,
    read_blur,
    read_options,
    read_switch,
)
from emorec.errors import ConfigError


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ({}, RecognitionOptions()),
        ({"model": "", "detector": "", "prior": ""}, RecognitionOptions()),
        ({"classes": "8", "flip": "1"}, RecognitionOptions(classes=8, flip=True)),
        ({"detector": "whole-image"}, RecognitionOptions(detector="none")),
        ({"prior": "balanced"}, RecognitionOptions(prior=1.0)),
        ({"prior": "0.25", "align": "off"}, RecognitionOptions(prior=0.25, align="off")),
        ({"min_confidence": "0.5", "name": "x"}, RecognitionOptions(min_confidence=0.5)),
    ],
)
def test_queries(query: dict[str, str], options: RecognitionOptions):
    assert read_options(query, ("name",)) == options


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"modle": "x"}, "unknown parameter 'modle'; did you mean 'model'?"),
        ({"name": "x"}, "unknown parameter 'name'"),
        ({"detector": "mtcnn"}, "unknown detector 'mtcnn'"),
        ({"classes": "many"}, "classes must be a number; received 'many'"),
        ({"min_confidence": "2"}, "min_confidence must be 0 to 1; received 2.0"),
        ({"min_confidence": "nan"}, "min_confidence must be 0 to 1; received nan"),
        ({"prior": "9"}, "the prior must be natural, balanced or a number"),
        ({"align": "up"}, "align must be one of auto, off, on; received 'up'"),
        ({"flip": "maybe"}, "flip must be 1 or 0; received 'maybe'"),
    ],
)
def test_wrong_queries(query: dict[str, str], message: str):
    with pytest.raises(ConfigError, match="^" + message.replace("?", r"\?")):
        read_options(query)


@pytest.mark.parametrize(
    ("value", "on"), [("1", True), ("true", True), ("ON", True), ("", True), ("0", False)]
)
def test_switches(value: str, on: bool):
    assert read_switch({"flip": value}, "flip") is on


def test_blurring():
    assert read_blur({}) is read_blur({"blur": ""}) is None
    assert read_blur({"blur": "pixelate"}) == "pixelate"
    with pytest.raises(ConfigError, match="pixelate, gaussian, box"):
        read_blur({"blur": "fog"})


def test_models_are_named_never_paths(recognizers: Recognizers):
    path = str(recognizers.default_model)
    for name in (path, "../emorec-nano.onnx", "emorec-compact.keras", "runs/x"):
        with pytest.raises(ConfigError, match="unknown model"):
            recognizers.open(RecognitionOptions(model=name))


def test_options_reach_the_recognizer(recognizers: Recognizers):
    nano = recognizers.open(
        RecognitionOptions("emorec-nano", "haar", 8, 0.5, 0.4, True, "off"), for_video=True
    )
    assert (nano.metadata.name, nano.settings["detector"]) == ("emorec-nano", "haar")
    assert (len(nano.labels), nano.min_confidence, nano.aligned) == (8, 0.4, False)
    assert (nano.classifier.tau, nano.classifier.flip) == (0.5, True)


def test_few_models_stay_loaded(recognizers: Recognizers):
    own = Recognizers()
    first = own.open(RecognitionOptions()).classifier
    assert own.open(RecognitionOptions(min_confidence=0.5)).classifier is first
    for strength in (0.1, 0.2, 0.3):
        own.open(RecognitionOptions(prior=strength))
    assert own.open(RecognitionOptions()).classifier is not first
