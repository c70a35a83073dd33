"""The norms validate with the statistics of the epoch."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from emorec.training.norm_statistics import EpochNormStatistics, frozen_norm_statistics

MOMENTUM = 0.9
BATCH = 8


def fitted(trainable: bool, epochs: int, images: Any, validated: bool = True) -> keras.Model:
    inner = keras.Sequential(
        [keras.Input((4, 4, 2)), layers.BatchNormalization(momentum=MOMENTUM, name="norm")]
    )
    inner.trainable = trainable
    model = keras.Sequential([keras.Input((4, 4, 2)), inner, layers.GlobalAveragePooling2D()])
    model.compile(keras.optimizers.SGD(0.0), "mean_squared_error")
    arrays = (images, np.zeros((len(images), 2)))
    model.fit(
        *arrays,
        batch_size=BATCH,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        validation_data=arrays if validated else None,
        callbacks=[EpochNormStatistics()],
    )
    return inner.get_layer("norm")


@pytest.mark.parametrize(("epochs", "validated"), [(1, True), (3, True), (2, False)])
def test_the_statistics_are_averages_over_the_batches_of_the_last_epoch(
    epochs: int, validated: bool
) -> None:
    images = np.random.default_rng(0).normal(5, 0.01, (3 * BATCH, 4, 4, 2)).astype(np.float32)
    images[:BATCH] += 1
    norm = fitted(True, epochs, images, validated)
    batches = images.reshape(3, BATCH, 4, 4, 2)
    weights = MOMENTUM ** np.array([2, 1, 0])
    weights /= weights.sum()
    mean = weights @ batches.mean((1, 2, 3))
    variance = weights @ batches.var((1, 2, 3))
    np.testing.assert_allclose(np.asarray(norm.moving_mean), mean, rtol=1e-5)
    # float32: what is left of the first variance, 1, is large beside this one
    np.testing.assert_allclose(np.asarray(norm.moving_variance), variance, atol=2e-6)


def test_a_frozen_norm_keeps_its_moving_statistics() -> None:
    norm = fitted(False, 2, np.full((2 * BATCH, 4, 4, 2), 5, np.float32))
    assert np.asarray(norm.moving_mean).tolist() == [0, 0]
    assert np.asarray(norm.moving_variance).tolist() == [1, 1]


@pytest.mark.slow
def test_the_variance_of_constant_images_is_not_negative() -> None:
    for steps in range(2, 8):
        norm = fitted(True, 1, np.full((steps * BATCH, 4, 4, 2), 5, np.float32))
        assert 0 <= np.asarray(norm.moving_variance).min() < 1e-5


def test_frozen_statistics_stay_while_scale_and_offset_train() -> None:
    images = np.random.default_rng(0).normal(5, 2, (2 * BATCH, 4, 4, 2)).astype(np.float32)
    norm = layers.BatchNormalization(momentum=MOMENTUM)
    model = keras.Sequential(
        [keras.Input((4, 4, 2)), norm, layers.GlobalAveragePooling2D(), layers.Dense(1)]
    )
    statistics = [np.array([4, 6], np.float32), np.array([3, 5], np.float32)]
    norm.set_weights([*norm.get_weights()[:2], *statistics])
    gamma, beta = (np.asarray(norm.gamma).copy(), np.asarray(norm.beta).copy())
    with frozen_norm_statistics(model) as count:
        expected = (images - statistics[0]) / np.sqrt(statistics[1] + norm.epsilon)
        np.testing.assert_allclose(np.asarray(norm(images, training=True)), expected, atol=1e-4)
        model.compile(keras.optimizers.SGD(0.01), "mean_squared_error")
        model.fit(images, np.ones((len(images), 1)), batch_size=BATCH, epochs=2, verbose=0)
    assert count == 1
    np.testing.assert_array_equal(np.asarray(norm.moving_mean), statistics[0])
    np.testing.assert_array_equal(np.asarray(norm.moving_variance), statistics[1])
    assert not np.array_equal(np.asarray(norm.gamma), gamma)
    assert not np.array_equal(np.asarray(norm.beta), beta)
    assert "call" not in vars(norm)


def test_a_model_without_norms() -> None:
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    with frozen_norm_statistics(model) as count:
        assert count == 0
