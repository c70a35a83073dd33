import logging
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.metadata_example import METADATA

from emorec import resources
from emorec.errors import ConfigError, ModelError
from emorec.modeling.architectures import ARCHITECTURES
from emorec.modeling.build import build_classifier
from emorec.modeling.classifier_parts import backbone_of, weighted_layers
from emorec.modeling.flip_ensemble import flip_averaged, plain_classifier
from emorec.modeling.keras_files import load_model, save_model


def same_weights(one: keras.Model, other: keras.Model) -> None:
    for expected, found in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.fixture(scope="module")
def source() -> keras.Model:
    keras.utils.set_random_seed(3)
    return build_classifier("compact", 7, 24)


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("classes", [7, 3])
def test_all_matching_weights_of_a_trained_model_are_copied(
    source: keras.Model,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    wrap: bool,
    classes: int,
) -> None:
    path = tmp_path / "model.keras"
    save_model(flip_averaged(source) if wrap else source, METADATA, path)
    loaded = build_classifier("compact", classes, 24, weights=str(path))
    same_weights(backbone_of(source), backbone_of(loaded))
    assert not backbone_of(loaded).trainable_weights
    if classes == 7:
        same_weights(source, loaded)
        assert not caplog.messages
    else:
        (message,) = caplog.messages
        assert message == f"{path} has no weights for these layers, which stay untrained: logits"


def test_a_label_map_needs_weights_with_labels(source: keras.Model, tmp_path: Path) -> None:
    path = tmp_path / "best.weights.h5"
    source.save_weights(path)
    with pytest.raises(ConfigError, match="label_map needs initial weights with labels"):
        build_classifier("compact", ("a", "b"), 24, weights=str(path), label_map={"a": "happy"})


@pytest.mark.slow
def test_weights_of_a_run_folder(
    source: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "runs" / "20260101-120000-compact"
    run.mkdir(parents=True)
    save_model(source, METADATA, run / "model.keras")
    for named in (run, "runs/20260101", "2026"):
        same_weights(source, build_classifier("compact", 7, 24, weights=str(named)))
    with pytest.raises(ModelError, match=r"did you mean 'imagenet'\?$"):
        build_classifier("compact", 7, 24, weights="imagnet")


@pytest.mark.parametrize("classes", [7, 3])
def test_keras_weights_of_a_whole_classifier(
    source: keras.Model, tmp_path: Path, caplog: pytest.LogCaptureFixture, classes: int
) -> None:
    path = tmp_path / "best.weights.h5"
    source.save_weights(path)
    loaded = build_classifier("compact", classes, 24, weights=str(path))
    same_weights(backbone_of(source), backbone_of(loaded))
    assert [message.rpartition(": ")[2] for message in caplog.messages] == (
        [] if classes == 7 else ["logits"]
    )


def test_keras_weights_of_a_backbone(source: keras.Model, tmp_path: Path) -> None:
    path = tmp_path / "backbone.weights.h5"
    backbone_of(source).save_weights(path)
    loaded = build_classifier("compact", 3, 24, weights=str(path))
    same_weights(backbone_of(source), backbone_of(loaded))
    assert not backbone_of(loaded).trainable_weights


@pytest.mark.slow
def test_layers_that_keras_numbered_are_matched_in_order(tmp_path: Path) -> None:
    first, second = (build_classifier("xception", 7, 71) for _ in range(2))
    path = tmp_path / "model.keras"
    save_model(first, METADATA.replaced(architecture="xception", input_size=71), path)
    names = [[layer.name for layer in weighted_layers(model)] for model in (first, second)]
    assert names[0] != names[1]
    same_weights(first, build_classifier("xception", 7, 71, weights=str(path)))


def test_the_shipped_model_fills_its_architecture(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    shipped = plain_classifier(load_model(resources.shipped_keras_model())[0])
    model = build_classifier("compact", 8, weights="emorec")
    filled = {layer.name: layer.get_weights() for layer in weighted_layers(model)}
    for layer in weighted_layers(shipped):
        for expected, found in zip(layer.get_weights(), filled[layer.name], strict=True):
            np.testing.assert_array_equal(found, expected)
    assert f"copied the weights of {len(weighted_layers(shipped))} layers" in caplog.text


@pytest.mark.parametrize("content", [None, b"", b"not an HDF5 file"])
@pytest.mark.parametrize("name", ["some.weights.h5", "some.h5"])
def test_broken_weights_files(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"{name}") as caught:
        build_classifier("compact", 7, 24, weights=str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_weights_of_another_network_are_refused(source: keras.Model, tmp_path: Path) -> None:
    whole, backbone, saved = (
        tmp_path / name for name in ("a.weights.h5", "b.weights.h5", "c.keras")
    )
    source.save_weights(whole)
    backbone_of(source).save_weights(backbone)
    save_model(source, METADATA, saved)
    for path in (whole, backbone, saved):
        with pytest.raises(ModelError, match="do not fit the vgg16 backbone"):
            build_classifier("vgg16", 7, 32, weights=str(path))
    save_model(source, METADATA.replaced(architecture="vgg16"), saved)
    with pytest.raises(ModelError, match="0 of its 13 layers have a match"):
        build_classifier("vgg16", 7, 32, weights=str(saved))


def test_imagenet_without_a_network_names_file_place_and_alternatives(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
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


@pytest.mark.parametrize(
    "arch", [name for name, chosen in ARCHITECTURES.items() if chosen.imagenet_file]
)
def test_the_named_imagenet_file_is_the_one_that_keras_requests(
    arch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = []

    def get_file(name, *args, **kwargs):
        requested.append(name)
        raise Exception("URL fetch failure")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    with pytest.raises(ModelError):
        build_classifier(arch, 7, 96, weights="imagenet")
    assert requested == [ARCHITECTURES[arch].imagenet_file]
