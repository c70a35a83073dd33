from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.metadata_example import METADATA
from keras import layers

from emorec.errors import ModelError
from emorec.export.onnx import export_onnx
from emorec.inference.classifier import EmotionClassifier
from emorec.modeling.build import build_classifier
from emorec.modeling.classifier_parts import backbone_of
from emorec.modeling.flip_ensemble import flip_averaged, plain_classifier
from emorec.modeling.keras_files import load_model, save_model

pytestmark = pytest.mark.usefixtures("quick_network")


@pytest.fixture(scope="module")
def plain() -> keras.Model:
    keras.utils.set_random_seed(0)
    return build_classifier("compact", 7, 24)


def faces(count: int) -> np.ndarray:
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (count, 24, 24, 1)).astype(np.float32)


def test_the_logits_are_the_mean_over_image_and_mirror_image(plain: keras.Model) -> None:
    images = faces(5)
    mirrored = images[:, :, ::-1]
    found = np.asarray(flip_averaged(plain)(images))
    expected = (np.asarray(plain(images)) + np.asarray(plain(mirrored))) / 2
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(flip_averaged(plain)(mirrored), found, atol=1e-5)
    assert not np.allclose(plain(mirrored), plain(images), atol=1e-3)


def test_saving_loading_and_export_change_nothing(plain: keras.Model, tmp_path: Path) -> None:
    model = flip_averaged(plain)
    save_model(model, METADATA, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")[0]
    images = faces(5)
    np.testing.assert_allclose(loaded(images), model(images), atol=1e-5)
    export_onnx(model, METADATA, images.astype(np.uint8), tmp_path / "model.onnx")
    classifier = EmotionClassifier(tmp_path / "model.onnx")
    np.testing.assert_allclose(classifier.logits(images), model(images), atol=1e-4)
    export_onnx(plain, METADATA, images.astype(np.uint8), tmp_path / "plain.onnx")
    sizes = [(tmp_path / name).stat().st_size for name in ("model.onnx", "plain.onnx")]
    assert sizes[0] < 1.05 * sizes[1], "both passes must share their weights"


def test_a_second_network_for_the_mirror_image_as_in_version_0_1_0(
    plain: keras.Model, tmp_path: Path
) -> None:
    other = build_classifier("compact", 7, 24)
    other = keras.Model(other.inputs, other.outputs[0], name=f"{other.name}_of_mirror_image")
    images = faces(3)
    for order in ([plain, other], [other, plain]):
        image = keras.Input((24, 24, 1), name="image")
        inputs = [image if each is plain else keras.ops.flip(image, axis=2) for each in order]
        logits = [each(view) for each, view in zip(order, inputs, strict=True)]
        model = keras.Model(image, layers.Average(name="flip_average")(logits))
        save_model(model, METADATA, tmp_path / "model.keras")
        loaded = load_model(tmp_path / "model.keras")[0]
        np.testing.assert_allclose(plain_classifier(loaded)(images), plain(images), atol=1e-5)


def test_the_parts_are_found_in_a_saved_model(plain: keras.Model, tmp_path: Path) -> None:
    save_model(flip_averaged(plain), METADATA, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")[0]
    images = faces(2)
    np.testing.assert_allclose(plain_classifier(loaded)(images), plain(images), atol=1e-5)
    assert plain_classifier(plain) is plain
    for expected, found in zip(
        backbone_of(plain).get_weights(), backbone_of(loaded).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_an_ensemble_without_a_classifier_inside() -> None:
    image = keras.Input((4,))
    both = layers.Average(name="flip_average")([image, layers.ReLU()(image)])
    with pytest.raises(ModelError, match="no classifier inside"):
        plain_classifier(keras.Model(image, both))
