"""Grad-CAM of a network whose answer is known: it looks at one quarter of the image."""

import functools

import keras
import numpy as np
import pytest
from helpers.metadata_example import METADATA
from keras import layers

from emorec.errors import ModelError
from emorec.evaluation.explain import explain_face
from emorec.evaluation.grad_cam import grad_cam
from emorec.inference.classifier import classify_crops
from emorec.inference.recognizer import EmotionRecognizer
from emorec.modeling.flip_ensemble import flip_averaged
from emorec.types import Box, Face

SIZE = 24
HAPPY = METADATA.labels.index("happy")


@functools.cache
def quadrant_network() -> keras.Model:
    """Return a network of which "happy" grows, and "sad" falls, with the top left quarter."""
    keeps = SIZE // 2
    image = keras.Input((SIZE, SIZE, 1))
    x = layers.Cropping2D(((0, SIZE - keeps), (0, SIZE - keeps)))(image)
    x = layers.ZeroPadding2D(((0, SIZE - keeps), (0, SIZE - keeps)))(x)
    x = layers.AveragePooling2D(4)(x)
    backbone = keras.Model(image, layers.Conv2D(2, 1, name="mix")(x), name="quadrant")
    backbone.get_layer("mix").set_weights([np.array([[[[0.1, 0.0]]]]), np.zeros(2)])
    start = keras.Input((SIZE, SIZE, 1), name="image")
    logits = layers.Dense(len(METADATA.labels), name="logits")
    output = logits(layers.GlobalAveragePooling2D(name="pool")(backbone(start)))
    weights = np.zeros((2, len(METADATA.labels)))
    weights[0, HAPPY], weights[0, METADATA.labels.index("sad")] = 1, -1
    logits.set_weights([weights, np.zeros(len(METADATA.labels))])
    return keras.Model(start, output, name="quadrant")


IMAGE = np.random.default_rng(0).integers(100, 256, (SIZE, SIZE, 1), np.uint8)


def test_the_heat_lies_where_the_network_looks():
    heat = grad_cam(quadrant_network(), IMAGE, HAPPY)
    assert (heat.shape, heat.dtype) == ((SIZE, SIZE), np.float32)
    assert (heat.min(), heat.max()) == (0, 1)
    half = SIZE // 2
    assert heat[:half, :half].sum() > 0.8 * heat.sum()
    assert heat[half + 4 :].max() == heat[:, half + 4 :].max() == 0


def test_an_emotion_without_evidence_has_no_heat():
    assert not grad_cam(quadrant_network(), IMAGE, METADATA.labels.index("sad")).any()


def test_the_mean_over_mirror_images():
    heat = grad_cam(flip_averaged(quadrant_network()), IMAGE, HAPPY)
    half = SIZE // 2
    assert heat[half + 4 :].max() == 0
    left, right = heat[:half, :half].sum(), heat[:half, half:].sum()
    assert left == pytest.approx(right, rel=0.3)
    symmetric = np.concatenate([IMAGE[:, :half], IMAGE[:, :half][:, ::-1]], axis=1)
    heat = grad_cam(flip_averaged(quadrant_network()), symmetric, HAPPY)
    np.testing.assert_allclose(heat, heat[:, ::-1], atol=1e-6)


def test_a_network_without_feature_maps():
    image = keras.Input((SIZE, SIZE, 1))
    backbone = keras.Model(image, layers.Flatten()(image), name="flat")
    start = keras.Input((SIZE, SIZE, 1), name="image")
    network = keras.Model(start, layers.Dense(7)(backbone(start)), name="flat")
    with pytest.raises(ModelError, match="no feature map of at least 4x4"):
        grad_cam(network, IMAGE, HAPPY)


class QuadrantClassifier:
    """The network as a classifier of crops."""

    metadata = METADATA
    device, flip = "keras", False

    def __init__(self):
        self.network = quadrant_network()

    def classify(self, crops):
        return classify_crops(
            crops, METADATA, lambda x: np.asarray(keras.ops.softmax(self.network(x)))
        )


class OneFace:
    def detect(self, image_bgr):
        return [Face(Box(20, 10, 48, 48), "stub", 1.0)]


@pytest.mark.parametrize("method", ["occlusion", "grad-cam", None])
def test_both_methods_find_the_quarter_of_the_same_network(method: str | None):
    image = np.full((80, 100, 3), 20, np.uint8)
    image[14:28, 24:38] = 250
    recognizer = EmotionRecognizer(OneFace(), QuadrantClassifier())
    (face,) = recognizer.recognize(image)
    found = explain_face(image, face, recognizer, emotion="happy", method=method)
    assert found.method == (method or "grad-cam")
    assert (found.least_probability is None) == (found.method == "grad-cam")
    heat = found.heat_map((100, 80))
    row, column = np.unravel_index(np.nanargmax(heat), heat.shape)
    assert 10 <= row < 34
    assert 20 <= column < 44
    positive = np.maximum(np.nan_to_num(heat), 0)
    assert positive[10:34, 20:44].sum() > 0.75 * positive.sum()
