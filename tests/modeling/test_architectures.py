import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from helpers.metadata_example import METADATA
from keras.applications import (
    densenet,
    inception_v3,
    resnet50,
    resnet_v2,
    vgg16,
    xception,
)

from emorec.errors import ConfigError
from emorec.export.onnx import export_onnx
from emorec.inference.classifier import EmotionClassifier
from emorec.modeling.architecture_summary import architecture_summaries, architecture_summary
from emorec.modeling.architectures import ARCHITECTURES, architecture
from emorec.modeling.build import build_classifier
from emorec.modeling.classifier_parts import backbone_of, weighted_layers
from emorec.modeling.complexity import complexity
from emorec.modeling.finetune import layer_groups
from emorec.modeling.keras_files import load_model, save_model

PREPROCESSING = {
    "vgg16": vgg16,
    "resnet50": resnet50,
    "resnet50v2": resnet_v2,
    "xception": xception,
    "inceptionv3": inception_v3,
    "densenet121": densenet,
}

INSIDE = {
    "mobilenetv3small": ("MobileNetV3Small", "rescaling"),
    "mobilenetv3large": ("MobileNetV3Large", "rescaling"),
    "efficientnetv2b0": ("EfficientNetV2B0", "normalization"),
}
"""Networks that Keras builds with normalisation inside, and its last layer."""

SLOW = ("nano", "compact-wide", "vgg13", "vgg16", "resnet50", "mobilenetv3small")
"""Exported in the slow tests; `compact` in all, the others (half a minute each) with `-m long`."""


def exported(arch: str) -> Any:
    if arch == "compact":
        return arch
    return pytest.param(arch, marks=pytest.mark.slow if arch in SLOW else pytest.mark.long)


def faces(count: int, size: int, channels: int) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 256, (count, size, size, channels))
    return values.astype(np.float32)


def normalized(arch: str, images: np.ndarray) -> np.ndarray:
    image = keras.Input(images.shape[1:])
    return np.asarray(keras.Model(image, architecture(arch).normalize(image))(images))


def normalise_as_if_trained(model: keras.Model, images: np.ndarray) -> None:
    """Set the statistics of the normalisation; with the initial ones the signal vanishes."""
    for layer in weighted_layers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(images, training=True)
    for layer in weighted_layers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            # A channel that is 0 for these images must not become huge for others.
            variance = np.asarray(layer.moving_variance)
            layer.moving_variance.assign(np.maximum(variance, variance.mean() / 4 + 1e-6))


@pytest.mark.parametrize("arch", PREPROCESSING)
@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_normalisation_equals_keras_own(arch: str, color: str) -> None:
    images = faces(3, 8, 1 if color == "gray" else 3)
    spread = np.repeat(images, 3, axis=3) if color == "gray" else images
    expected = PREPROCESSING[arch].preprocess_input(spread.copy())
    np.testing.assert_allclose(normalized(arch, spread), expected, atol=1e-5)


@pytest.mark.parametrize("arch", INSIDE)
def test_normalisation_equals_that_inside_keras_networks(arch: str) -> None:
    builder, last = INSIDE[arch]
    network = getattr(keras.applications, builder)(
        include_top=False, weights=None, input_shape=(32, 32, 3), include_preprocessing=True
    )
    (layer,) = [each for each in network.layers if each.name.split("_")[0] == last]
    images = faces(3, 32, 3)
    expected = np.asarray(keras.Model(network.input, layer.output)(images))
    assert expected.min() < -0.9
    np.testing.assert_allclose(normalized(arch, images), expected, atol=1e-5)


def test_every_normalisation_is_compared() -> None:
    assert {*PREPROCESSING, *INSIDE} | {"nano", "compact", "compact-wide", "vgg13"} == set(
        ARCHITECTURES
    )


@pytest.mark.parametrize("arch", [exported(arch) for arch in ARCHITECTURES])
def test_contract_of_an_architecture(arch: str, tmp_path: Path) -> None:
    chosen = architecture(arch)
    with pytest.raises(ConfigError, match=f"at least {chosen.minimum_size}"):
        build_classifier(arch, 7, chosen.minimum_size - 1)
    size = chosen.minimum_size
    metadata = METADATA.replaced(architecture=arch, input_size=size)
    keras.utils.set_random_seed(0)
    model = build_classifier(arch, 7, size)
    images = faces(32, size, 1)
    normalise_as_if_trained(model, images)
    # Random weights amplify rounding errors, which differ between processors, more than trained
    # ones do.
    head = model.get_layer("logits")
    head.set_weights([weight / 10 for weight in head.get_weights()])
    groups = layer_groups(chosen, backbone_of(model))
    assert [layer for group in groups for layer in group] == backbone_of(model).layers
    assert all(any(layer.weights for layer in group) for group in groups)
    save_model(model, metadata, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")[0]
    difference = export_onnx(loaded, metadata, images.astype(np.uint8), tmp_path / "model.onnx")
    assert difference < 1e-4
    classifier = EmotionClassifier(tmp_path / "model.onnx")
    np.testing.assert_allclose(classifier.logits(images), model(images), atol=1e-3)


def documented() -> dict[str, list[str]]:
    """The rows of the table in docs/networks.md, by name."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "networks.md").read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {name.strip("`"): cells for name, *cells in rows}


def test_every_architecture_has_its_row_in_the_documentation() -> None:
    rows = documented()
    assert {name for name in ARCHITECTURES if name not in rows} == set(), "rows are missing"
    assert list(rows) == list(ARCHITECTURES)
    for name, each in architecture_summaries().items():
        numbers = [f"{each.parameters / 1e6:.2f}", f"{each.multiply_adds / 1e6:.1f}"]
        sizes = [str(each.default_size), str(each.minimum_size), str(each.blocks)]
        assert rows[name][:6] == [*numbers, *sizes, "yes" if each.imagenet else "no"], name


def test_every_architecture_has_its_summary() -> None:
    """After a change: python scripts/measure_architectures.py."""
    summaries = architecture_summaries()
    assert list(summaries) == list(ARCHITECTURES)
    for name, chosen in ARCHITECTURES.items():
        found = summaries[name]
        assert (found.default_size, found.minimum_size) == (
            chosen.default_size,
            chosen.minimum_size,
        )
        assert found.blocks == len(chosen.groups) + 1
        assert found.imagenet == (chosen.imagenet_file is not None)


@pytest.mark.parametrize(
    "arch",
    [
        arch if arch.startswith(("compact", "vgg")) else pytest.param(arch, marks=pytest.mark.slow)
        for arch in ARCHITECTURES
    ],
)
def test_the_summary_is_that_of_the_built_network(arch: str) -> None:
    recorded = dataclasses.replace(architecture_summary(arch), onednn_speedup=None)
    assert recorded == complexity(architecture(arch))
