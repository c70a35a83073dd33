"""The fast layers do what Keras's own do."""

import importlib
from contextlib import nullcontext
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from emorec.training import fast_layers as module
from emorec.training.fast_layers import fast_layers
from emorec.training.norm_statistics import frozen_norm_statistics

FUSES = keras.backend.backend() == "tensorflow" and not importlib.import_module(
    "tensorflow"
).config.list_physical_devices("GPU")


@pytest.fixture(autouse=True)
def with_onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The replaced layers do not depend on the processor."""
    monkeypatch.setattr(module, "uses_onednn", lambda: True)


def a_model(policy: str = "mixed_bfloat16", **options: Any) -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), dtype="float32")
    x = layers.Conv2D(6, 3, dtype=policy)(image)
    inner_image = keras.Input((6, 6, 6))
    inner = layers.BatchNormalization(momentum=0.8, dtype=policy, name="norm", **options)
    x = keras.Model(inner_image, inner(inner_image), name="inner")(x)
    x = layers.GlobalAveragePooling2D(dtype=policy)(layers.ReLU(dtype=policy)(x))
    return keras.Model(image, layers.Dense(3, dtype="float32")(x))


def trained(model: keras.Model) -> list[Any]:
    random = np.random.default_rng(1)
    images = random.normal(size=(32, 8, 8, 3)).astype(np.float32)
    targets = np.eye(3, dtype=np.float32)[random.integers(0, 3, 32)]
    model.compile(
        keras.optimizers.SGD(0.5, 0.9),
        keras.losses.CategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    model.fit(images, targets, batch_size=16, epochs=4, shuffle=False, verbose=0)
    return [np.asarray(weight) for weight in [*model.get_weights(), model(images[:4])]]


@pytest.mark.skipif(not FUSES, reason="norms are fused by TensorFlow on a CPU")
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize(("policy", "tolerance"), [("float32", 1e-5), ("mixed_bfloat16", 0.03)])
def test_fused_norms_learn_as_those_of_keras(policy: str, tolerance: float, scale: bool) -> None:
    plain = trained(a_model("float32", scale=scale))
    model = a_model(policy, scale=scale)
    with fast_layers(model) as count:
        fused = trained(model)
    assert count == 1
    for ours, kerass in zip(fused, plain, strict=True):
        np.testing.assert_allclose(ours, kerass, atol=tolerance)


@pytest.mark.skipif(not FUSES, reason="norms are fused by TensorFlow on a CPU")
def test_a_frozen_norm_keeps_its_statistics() -> None:
    model = a_model()
    model.get_layer("inner").trainable = False
    before = [np.asarray(weight) for weight in model.get_layer("inner").get_weights()]
    with fast_layers(model):
        trained(model)
    for was, is_now in zip(before, model.get_layer("inner").get_weights(), strict=True):
        np.testing.assert_array_equal(was, is_now)


@pytest.mark.skipif(not FUSES, reason="norms are fused by TensorFlow on a CPU")
@pytest.mark.parametrize(("policy", "tolerance"), [("float32", 1e-5), ("mixed_bfloat16", 0.03)])
def test_norms_with_frozen_statistics_learn_as_those_of_keras(
    policy: str, tolerance: float
) -> None:
    found = []
    for fast, kind in ((False, "float32"), (True, policy)):
        model = a_model(kind)
        norm = model.get_layer("inner").get_layer("norm")
        gamma, beta, mean, variance = norm.get_weights()
        norm.set_weights([gamma, beta, mean + 0.3, variance * 2])
        with fast_layers(model) if fast else nullcontext(), frozen_norm_statistics(model):
            found.append(trained(model))
        assert "call" not in vars(norm)
        np.testing.assert_array_equal(np.asarray(norm.moving_mean), mean + 0.3)
    for kerass, ours in zip(*found, strict=True):
        np.testing.assert_allclose(ours, kerass, atol=tolerance)


def test_the_layers_are_restored_after_the_context(tmp_path: Any) -> None:
    model = a_model()
    with fast_layers(model) as count:
        assert count == int(FUSES)
    assert "call" not in vars(model.get_layer("inner").get_layer("norm"))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    images = np.ones((2, 8, 8, 3), np.float32)
    np.testing.assert_array_equal(np.asarray(loaded(images)), np.asarray(model(images)))


def test_layers_with_other_settings_are_not_replaced() -> None:
    for model in (
        a_model("mixed_float16"),
        a_model(axis=1),
        a_model(center=False),
        a_model(renorm=True),
    ):
        with fast_layers(model) as count:
            assert count == 0


@pytest.mark.skipif(not FUSES, reason="layers compute faster with TensorFlow on a CPU")
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("size", [(8, 9), (11, 6)])
@pytest.mark.parametrize(
    ("policy", "kernel", "stride"),
    [
        ("float32", 5, 1),
        ("float32", 5, 2),
        ("bfloat16", 5, 1),
        ("bfloat16", 5, 2),
        ("bfloat16", 3, 2),
        ("bfloat16", 5, 3),
    ],
)
def test_depthwise_gradients_are_those_of_keras(
    policy: str, kernel: int, stride: int, size: tuple[int, int], padding: str
) -> None:
    import tensorflow as tf

    layer = layers.DepthwiseConv2D(
        kernel, stride, padding, activation="relu", dtype=f"mixed_{policy}".replace("mixed_f", "f")
    )
    image = keras.Input((*size, 4))
    model = keras.Model(image, layer(image))
    random = np.random.default_rng(0)
    images = tf.constant(random.normal(size=(3, *size, 4)), tf.float32)
    layer.bias.assign(random.normal(size=4))

    def gradients() -> list[Any]:
        with tf.GradientTape() as tape:
            tape.watch(images)
            output = tf.cast(model(images), tf.float32)
            loss = tf.reduce_sum(output**2)
        found = tape.gradient(loss, [images, *(weight.value for weight in layer.weights)])
        return [np.asarray(value) for value in (output, *found)]

    keras_own = gradients()
    with fast_layers(model) as count:
        assert count == 1
        fast = gradients()
    for ours, kerass in zip(fast, keras_own, strict=True):
        largest = np.abs(kerass).max()
        np.testing.assert_allclose(
            ours, kerass, atol=largest * (1e-5 if policy == "float32" else 0.02)
        )


@pytest.mark.skipif(not FUSES, reason="layers compute faster with TensorFlow on a CPU")
@pytest.mark.parametrize(
    ("policy", "options", "count"),
    [
        ("float32", {"kernel_size": 3, "strides": 2}, 0),
        ("mixed_bfloat16", {"kernel_size": 3}, 0),
        ("mixed_float16", {"kernel_size": 5}, 0),
        ("float32", {"kernel_size": 5, "dilation_rate": 2}, 0),
        ("float32", {"kernel_size": 5, "depth_multiplier": 2}, 0),
        ("float32", {"kernel_size": 5}, 1),
    ],
)
def test_only_slow_depthwise_layers_are_replaced(
    policy: str, options: dict[str, Any], count: int
) -> None:
    model = keras.Sequential(
        [keras.Input((9, 9, 2)), layers.DepthwiseConv2D(dtype=policy, **options)]
    )
    with fast_layers(model) as found:
        assert found == count


@pytest.mark.skipif(not FUSES, reason="layers compute faster with TensorFlow on a CPU")
@pytest.mark.parametrize(("kernel", "stride", "count"), [(5, 1, 0), (5, 2, 1), (3, 2, 1)])
def test_without_onednn_only_strides_in_bfloat16_are_slow(
    kernel: int, stride: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "uses_onednn", lambda: False)
    for policy, expected in (("float32", 0), ("mixed_bfloat16", count)):
        layer = layers.DepthwiseConv2D(kernel, stride, dtype=policy)
        with fast_layers(keras.Sequential([keras.Input((9, 9, 2)), layer])) as found:
            assert found == expected


@pytest.mark.skipif(not FUSES, reason="layers compute faster with TensorFlow on a CPU")
def test_images_of_unknown_size_use_the_operation_of_keras() -> None:
    layer = layers.DepthwiseConv2D(5)
    image = keras.Input((None, None, 2))
    model = keras.Model(image, layers.GlobalAveragePooling2D()(layer(image)))
    model.compile("sgd", "mean_squared_error")
    with fast_layers(model) as count:
        assert count == 1
        model.fit(np.ones((4, 9, 7, 2)), np.ones((4, 2)), verbose=0)
