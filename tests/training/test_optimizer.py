from typing import Any

import keras
import numpy as np
import pytest

from emorec.modeling.build import build_classifier
from emorec.training.config import validated
from emorec.training.ema import ValidateWithEma, ema_weights
from emorec.training.optimizer import learning_rate, make_optimizer

EPOCHS, BATCHES = 10, 20


def rate(step: int, **settings: Any) -> float:
    config = validated({"learning_rate": 0.4, **settings}, "the test")
    found = learning_rate(config, config.learning_rate, EPOCHS, BATCHES)
    return float(found(np.float32(step)) if callable(found) else found)


COSINE = {"schedule": "cosine"}
STEP = {"schedule": "step", "step_epochs": 3, "step_factor": 0.5}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {0: 0.4, 199: 0.4}),
        ({"warmup_epochs": 2}, {0: 0, 10: 0.1, 40: 0.4, 199: 0.4}),
        # A short run keeps half its steps for the full rate.
        ({"warmup_epochs": 50}, {0: 0, 50: 0.2, 100: 0.4}),
        (COSINE, {0: 0.4, 100: 0.2, 50: 0.2 * (1 + np.sqrt(0.5)), 200: 0}),
        ({**COSINE, "warmup_epochs": 2}, {10: 0.1, 40: 0.4, 120: 0.2, 200: 0}),
        (STEP, {0: 0.4, 59: 0.4, 60: 0.2, 120: 0.1}),
        ({**STEP, "warmup_epochs": 1}, {10: 0.2, 20: 0.4, 79: 0.4, 80: 0.2}),
    ],
)
def test_the_rate_over_the_steps(settings: dict[str, Any], expected: dict[int, float]) -> None:
    assert {step: rate(step, **settings) for step in expected} == pytest.approx(expected, abs=1e-6)


def step(optimizer: Any, model: keras.Model, gradient: float) -> None:
    """Build the optimizer and apply gradients that have one value everywhere."""
    optimizer.build(model.trainable_variables)
    optimizer.apply([keras.ops.full(v.shape, gradient) for v in model.trainable_variables])


def norm_net() -> keras.Model:
    """Every kind of weight: plain, depthwise and separable kernels, biases, a norm."""
    image = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(4, 3)(image)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.DepthwiseConv2D(3)(x)
    x = keras.layers.SeparableConv2D(4, 3)(x)
    x = keras.layers.LayerNormalization()(x)
    return keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(x)))


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_decay_shrinks_kernels_and_leaves_biases_and_norms_alone(name: str) -> None:
    config = validated({"optimizer": name, "learning_rate": 0.01, "weight_decay": 0.5}, "the test")
    model = norm_net()
    for variable in model.trainable_variables:
        variable.assign(np.ones(variable.shape, np.float32))
    optimizer = make_optimizer(config, model, config.learning_rate, EPOCHS, BATCHES)
    step(optimizer, model, 0.0)
    kernels = 0
    for variable in model.trainable_variables:
        kernel = "kernel" in variable.name
        kernels += kernel
        np.testing.assert_allclose(variable.numpy(), 1 - 0.005 * kernel, atol=1e-7)
    assert kernels == 5


@pytest.mark.parametrize("arch", ["compact", "vgg16"])
def test_what_does_not_decay_is_named_so(arch: str) -> None:
    model = build_classifier(arch, 7)
    left = {v.name for v in model.trainable_variables if len(v.shape) < 2}
    assert left <= {"bias", "gamma", "beta"}


def test_the_gradient_is_clipped_as_a_whole() -> None:
    config = validated({"learning_rate": 1.0, "momentum": 0.0, "clip_norm": 2.0}, "the test")
    model = norm_net()
    before = model.get_weights()
    optimizer = make_optimizer(config, model, config.learning_rate, EPOCHS, BATCHES)
    step(optimizer, model, 3.0)
    moved = sum(np.square(a - b).sum() for a, b in zip(before, model.get_weights(), strict=True))
    assert np.sqrt(moved) == pytest.approx(2, rel=1e-4)


DECAYED = {"arch": "vgg16", "weights": "imagenet", "layer_decay": 0.5}


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_the_rate_falls_from_block_to_block_in_steps_and_in_decay(name: str) -> None:
    config = validated({**DECAYED, "optimizer": name, "weight_decay": 0.3}, "the test")
    model = build_classifier("vgg16", 7, image_size=32)
    model.get_layer("vgg16").layers[1].trainable = False
    # A step of AdamW goes by the sign of the first gradient, whatever its size.
    moved, shrunk = [], []
    for gradient, found in ((1.0, moved), (0.0, shrunk)):
        for variable in model.trainable_variables:
            variable.assign(np.ones(variable.shape, np.float32))
        optimizer = make_optimizer(config, model, 0.01, EPOCHS, BATCHES)
        step(optimizer, model, gradient)
        found += [float(v.numpy().flat[0]) for v in model.trainable_variables]
    names = [variable.path for variable in model.trainable_variables]
    factors = [0.5 ** (6 - int(n[5])) if n.startswith("block") else 1 for n in names]
    assert set(factors) == {1, 0.5, 0.25, 0.125, 0.0625, 0.03125}
    kernels = np.array([name.endswith("kernel") for name in names])
    np.testing.assert_allclose(1 - np.array(shrunk), 0.003 * kernels * factors, atol=2e-7)
    steps = np.array(shrunk) - np.array(moved)
    nesterov = 1.9 if name == "sgd" else 1.0
    np.testing.assert_allclose(steps, nesterov * 0.01 * np.array(factors), rtol=1e-3)


class Weights(keras.callbacks.Callback):
    """Keeps the kernel after every step, and the one that is validated."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[np.ndarray] = []
        self.validated: list[np.ndarray] = []

    def kernel(self) -> np.ndarray:
        return np.array(keras.ops.convert_to_numpy(self.model.layers[-1].kernel))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps.append(self.kernel())

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.validated.append(self.kernel())


def test_the_average_of_the_weights_is_the_one_validated_and_given() -> None:
    keras.utils.set_random_seed(0)
    config = validated({"learning_rate": 0.1, "ema": 0.75}, "the test")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    optimizer = make_optimizer(config, model, 0.1, 2, 4)
    model.compile(optimizer, keras.losses.MeanSquaredError())
    x = np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)
    y = x[:, :2] * 3
    weights = Weights()
    shown: list[np.ndarray] = []

    class Save(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            with ema_weights(self.model):
                shown.append(weights.kernel())
            np.testing.assert_array_equal(weights.kernel(), weights.steps[-1])

    model.fit(
        x,
        y,
        batch_size=4,
        epochs=2,
        validation_data=(x, y),
        validation_batch_size=16,
        callbacks=[ValidateWithEma(), weights, Save()],
        verbose=0,
    )
    expected = []
    average = weights.steps[0]
    for number, step in enumerate(weights.steps, 1):
        average = 0.75 * average + 0.25 * step
        if number % 4 == 0:
            expected.append(average)
    assert len(expected) == 2
    np.testing.assert_allclose(shown, expected, atol=1e-6)
    np.testing.assert_allclose(weights.validated, expected, atol=1e-6)
    assert np.abs(expected[-1] - weights.steps[-1]).max() > 0.01


def test_without_averages_nothing_is_put_in_place() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(make_optimizer(validated({}, "the test"), model, 0.1, 1, 1), "mse")
    before = model.get_weights()[0]
    with ema_weights(model):
        np.testing.assert_array_equal(model.get_weights()[0], before)
