from typing import Any

import keras
import numpy as np
import pytest

from emorec.modeling.architectures import architecture
from emorec.modeling.build import build_classifier
from emorec.training.config_groups import OptimizerConfig
from emorec.training.optimizer import make_optimizer, rate_factors


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
    config = OptimizerConfig(optimizer=name, weight_decay=0.5)
    model = norm_net()
    for variable in model.trainable_variables:
        variable.assign(np.ones(variable.shape, np.float32))
    optimizer = make_optimizer(config, model, 0.01)
    step(optimizer, model, 0.0)
    kernels = 0
    for variable in model.trainable_variables:
        kernel = "kernel" in variable.name
        kernels += kernel
        np.testing.assert_allclose(variable.numpy(), 1 - 0.005 * kernel, atol=1e-7)
    assert kernels == 5


@pytest.mark.parametrize("arch", ["compact", "vgg16"])
def test_only_biases_and_norms_are_excluded_from_the_decay(arch: str) -> None:
    model = build_classifier(arch, 7)
    left = {v.name for v in model.trainable_variables if len(v.shape) < 2}
    assert left <= {"bias", "gamma", "beta"}


def test_the_gradient_is_clipped_as_a_whole() -> None:
    config = OptimizerConfig(momentum=0.0, clip_norm=2.0)
    model = norm_net()
    before = model.get_weights()
    optimizer = make_optimizer(config, model, 1.0)
    step(optimizer, model, 3.0)
    moved = sum(np.square(a - b).sum() for a, b in zip(before, model.get_weights(), strict=True))
    assert np.sqrt(moved) == pytest.approx(2, rel=1e-4)


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_the_rate_falls_from_block_to_block_in_steps_and_in_decay(name: str) -> None:
    config = OptimizerConfig(optimizer=name, weight_decay=0.3)
    model = build_classifier("vgg16", 7, image_size=32)
    model.get_layer("vgg16").layers[1].trainable = False
    # A step of AdamW depends on the sign of the first gradient, whatever its size.
    moved, shrunk = [], []
    for gradient, found in ((1.0, moved), (0.0, shrunk)):
        for variable in model.trainable_variables:
            variable.assign(np.ones(variable.shape, np.float32))
        factors = rate_factors(0.5, architecture("vgg16"), model, model)
        optimizer = make_optimizer(config, model, 0.01, factors)
        step(optimizer, model, gradient)
        found += [float(v.numpy().flat[0]) for v in model.trainable_variables]
    names = [variable.path for variable in model.trainable_variables]
    expected = [0.5 ** (6 - int(n[5])) if n.startswith("block") else 1 for n in names]
    assert factors == expected
    assert set(expected) == {1, 0.5, 0.25, 0.125, 0.0625, 0.03125}
    kernels = np.array([name.endswith("kernel") for name in names])
    np.testing.assert_allclose(1 - np.array(shrunk), 0.003 * kernels * factors, atol=2e-7)
    steps = np.array(shrunk) - np.array(moved)
    nesterov = 1.9 if name == "sgd" else 1.0
    np.testing.assert_allclose(steps, nesterov * 0.01 * np.array(factors), rtol=1e-3)


def test_without_layer_decay_there_is_one_rate() -> None:
    model = build_classifier("compact", 7, image_size=16)
    assert rate_factors(1.0, architecture("compact"), model, model) is None
