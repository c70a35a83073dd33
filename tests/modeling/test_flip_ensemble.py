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
from emorec.modeling.flip_ensemble import backbone_of, flip_averaged, plain_classifier
from emorec.modeling.saved import load_model, save_model


@pytest.fixture(scope="module")
def plain() -> keras.Model:
    keras.utils.set_random_seed(0)
    return build_classifier("compact", 7, 24)


def faces(count: int) -> np.ndarray:
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (count, 24, 24, 1)).astype(np.float32)


def test_a_face_and_its_mirror_image_weigh_the_same(plain: keras.Model) -> None:
    images = faces(5)
    mirrored = images[:, :, ::-1]
    found = np.asarray(flip_averaged(plain)(images))
    expected = (np.asarray(plain(images)) + np.asarray(plain(mirrored))) / 2
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(flip_averaged(plain)(mirrored), found, atol=1e-5)
    assert not np.allclose(plain(mirrored), plain(images), atol=1e-3)


def test_saved_loaded_and_exported_it_is_the_same(plain: keras.Model, tmp_path: Path) -> None:
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


def test_another_net_sees_the_mirror_image(plain: keras.Model, tmp_path: Path) -> None:
    other = build_classifier("compact", 7, 24)
    model = flip_averaged(plain, other)
    images = faces(3)
    expected = (np.asarray(plain(images)) + np.asarray(other(images[:, :, ::-1]))) / 2
    np.testing.assert_allclose(model(images), expected, atol=1e-5)
    save_model(model, METADATA, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")[0]
    np.testing.assert_allclose(loaded(images), expected, atol=1e-5)
    np.testing.assert_allclose(plain_classifier(loaded)(images), plain(images), atol=1e-5)
    # And so that the other comes first by name or order.
    turned = plain_classifier(flip_averaged(other, plain))
    np.testing.assert_allclose(turned(images), other(images), atol=1e-5)
    export_onnx(model, METADATA, images.astype(np.uint8), tmp_path / "model.onnx")
    logits = EmotionClassifier(tmp_path / "model.onnx").logits(images)
    np.testing.assert_allclose(logits, expected, atol=1e-4)


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


def test_a_strange_model_has_no_backbone() -> None:
    image = keras.Input((4,))
    with pytest.raises(ModelError, match="no backbone"):
        backbone_of(keras.Model(image, layers.Dense(2)(image)))
