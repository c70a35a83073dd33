"""What a client can choose is described with an explanation each."""

from emorec.app.descriptions import describe_models, describe_options, label_colors
from emorec.app.recognizers import OPTION_NAMES
from emorec.detection.registry import DETECTORS
from emorec.labels import EMOTIONS_8
from emorec.media.drawing import COLORS


def test_models():
    compact, nano = describe_models()
    assert (compact["name"], nano["name"]) == ("emorec-compact", "emorec-nano")
    assert compact["accuracy"] > nano["accuracy"] > 0.8
    assert compact["labels"] == list(EMOTIONS_8)
    assert compact["classes"] == [7, 8]
    assert f"{compact['accuracy']:.1%}" in compact["explanation"]


def test_every_option_is_explained():
    options = describe_options()
    assert {"model", *options} >= set(OPTION_NAMES)
    assert all(option["explanation"].endswith(".") for option in options.values())
    detectors = options["detector"]["choices"]
    assert [choice["value"] for choice in detectors] == list(DETECTORS)
    assert all(choice["explanation"].endswith(".") for choice in detectors)


def test_colors_are_those_of_annotated_images():
    colors = label_colors(list(EMOTIONS_8))
    assert list(colors) == list(EMOTIONS_8)
    blue, green, red = COLORS["happy"]
    assert colors["happy"] == f"#{red:02x}{green:02x}{blue:02x}" == "#f0e442"
