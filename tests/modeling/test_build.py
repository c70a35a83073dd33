import keras
import numpy as np
import pytest
from keras.applications import inception_v3, resnet50, vgg16, xception
from metadata_example import METADATA

from emorec.errors import ConfigError, ModelError
from emorec.modeling.architectures import ARCHITECTURES, architecture
from emorec.modeling.build import backbone_of, build_classifier, with_probabilities
from emorec.modeling.saved import save_model

BACKBONES = {
    "vgg16": vgg16,
    "resnet50": resnet50,
    "xception": xception,
    "inceptionv3": inception_v3,
}


def faces(count: int, size: int, channels: int) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 256, (count, size, size, channels))
    return values.astype(np.float32)


@pytest.mark.parametrize("arch", BACKBONES)
@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_normalisation_equals_keras_own(arch: str, color: str) -> None:
    chosen = architecture(arch)
    image = keras.Input((8, 8, 3))
    normalize = keras.Model(image, chosen.normalize(image))
    given = faces(3, 8, 1 if color == "gray" else 3)
    spread = np.repeat(given, 3, axis=3) if color == "gray" else given
    expected = BACKBONES[arch].preprocess_input(spread.copy())
    np.testing.assert_allclose(normalize(spread), expected, atol=1e-5)


@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_normalisation_inside_the_whole_model(color: str) -> None:
    model = build_classifier("vgg16", 7, 32, color=color)
    normalized = keras.Model(model.input, model.get_layer("normalize").output)
    given = faces(2, 32, 1 if color == "gray" else 3)
    spread = np.repeat(given, 3, axis=3) if color == "gray" else given
    expected = vgg16.preprocess_input(spread.copy())
    np.testing.assert_allclose(normalized(given), expected, atol=1e-5)


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
        ("", {}, "known: compact"),
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


def test_imagenet_without_a_network_names_file_place_and_alternatives(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    def refuse(*args, **kwargs):
        raise Exception("URL fetch failure")  # what keras.utils.get_file raises

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("keras.applications.VGG16", refuse)
    with pytest.raises(ModelError) as caught:
        build_classifier("vgg16", 7, 48, weights="imagenet")
    message = str(caught.value)
    name = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert str(tmp_path / "models" / name) in message
    assert "--weights none" in message
    assert "\n" not in message


@pytest.mark.parametrize("arch", BACKBONES)
def test_the_named_imagenet_file_is_the_one_keras_asks_for(
    arch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def get_file(name, *args, **kwargs):
        asked.append(name)
        raise Exception("URL fetch failure")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    with pytest.raises(ModelError):
        build_classifier(arch, 7, 96, weights="imagenet")
    assert asked == [ARCHITECTURES[arch].imagenet_file]


def test_backbone_weights_from_a_file(tmp_path) -> None:
    source = build_classifier("compact", 7, 24)
    path = tmp_path / "backbone.weights.h5"
    backbone_of(source).save_weights(path)
    loaded = build_classifier("compact", 3, 24, weights=str(path))
    for expected, found in zip(
        backbone_of(source).get_weights(), backbone_of(loaded).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    assert not backbone_of(loaded).trainable_weights


def test_the_backbone_of_a_trained_model_with_other_classes(tmp_path) -> None:
    source = build_classifier("compact", 7, 24)
    save_model(source, METADATA, tmp_path / "model.keras")
    loaded = build_classifier("compact", 3, 24, weights=str(tmp_path / "model.keras"))
    for expected, found in zip(
        backbone_of(source).get_weights(), backbone_of(loaded).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(ModelError, match="do not fit the vgg16 backbone"):
        build_classifier("vgg16", 3, 32, weights=str(tmp_path / "model.keras"))


@pytest.mark.parametrize("content", [None, b"", b"not an HDF5 file"])
def test_broken_weights_files(tmp_path, content: bytes | None) -> None:
    path = tmp_path / "some.weights.h5"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"some\.weights\.h5"):
        build_classifier("compact", 7, 24, weights=str(path))


def test_weights_of_another_net_are_refused(tmp_path) -> None:
    path = tmp_path / "other.weights.h5"
    build_classifier("compact", 7, 24).save_weights(path)
    with pytest.raises(ModelError, match="do not fit the vgg16 backbone"):
        build_classifier("vgg16", 7, 32, weights=str(path))


def test_probabilities_are_the_softmax_of_tempered_logits() -> None:
    model = build_classifier("compact", 5, 24)
    both = with_probabilities(model, 2.5)(faces(3, 24, 1))
    logits = np.asarray(both["logits"]) / 2.5
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(both["probabilities"], expected, atol=1e-6)
