import keras
import numpy as np
import pytest
from keras.applications import vgg16

from emorec.errors import ConfigError
from emorec.modeling.build import build_classifier, with_probabilities


def faces(count: int, size: int, channels: int) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 256, (count, size, size, channels))
    return values.astype(np.float32)


@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_normalisation_inside_the_whole_model(color: str) -> None:
    model = build_classifier("vgg16", 7, 32, color=color)
    normalized = keras.Model(model.input, model.get_layer("normalize").output)
    images = faces(2, 32, 1 if color == "gray" else 3)
    spread = np.repeat(images, 3, axis=3) if color == "gray" else images
    expected = vgg16.preprocess_input(spread.copy())
    np.testing.assert_allclose(normalized(images), expected, atol=1e-5)


def test_compact_has_the_promised_shape() -> None:
    model = build_classifier("compact", 8)
    assert model.input_shape == (None, 48, 48, 1)
    assert model.output_shape == (None, 8)
    assert model.inputs[0].name == "image"
    assert model.count_params() < 1_250_000
    # Logits, not probabilities: rows need not sum to 1.
    assert not np.allclose(np.asarray(model(faces(4, 48, 1))).sum(axis=1), 1)


def test_bfloat16_computes_in_bfloat16_and_answers_in_float32() -> None:
    model = build_classifier("compact", 8, 24, precision="bfloat16")
    assert model.output.dtype == "float32"
    assert model.get_layer("pool").compute_dtype == "bfloat16"
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize(
    ("arch", "options", "says"),
    [
        ("", {}, "choose one of compact"),
        ("vgg-16", {}, "unknown architecture 'vgg-16'"),
        ("xception", {"image_size": 70}, "at least 71 pixels; received 70"),
        ("inceptionv3", {"image_size": 48}, "at least 75 pixels; received 48"),
        ("compact", {"color": "rgb"}, "grey images only"),
        ("compact", {"weights": "imagenet"}, "no ImageNet weights"),
        ("compact", {"trainable_layers": 1000}, "received 1000"),
        ("compact", {"trainable_layers": -2}, "received -2"),
    ],
)
def test_wrong_configuration(arch: str, options: dict, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        build_classifier(arch, 7, **options)


def test_probabilities_are_the_softmax_of_tempered_logits() -> None:
    model = build_classifier("compact", 5, 24)
    both = with_probabilities(model, 2.5)(faces(3, 24, 1))
    logits = np.asarray(both["logits"]) / 2.5
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(both["probabilities"], expected, atol=1e-6)
