from typing import Any

import keras
import numpy as np
import pytest

from emorec.training.balance import (
    class_weights,
    learned_prior,
    sampled_order,
    training_prior,
    with_adjusted_logits,
)
from emorec.training.batches import AugmentedBatches, BatchSettings
from emorec.training.config_groups import BalanceConfig

HARD = np.eye(3, dtype=np.float32)[[0] * 60 + [1] * 30 + [2] * 10]
SOFT = np.array([[0.5, 0.5, 0], [1, 0, 0]], np.float32)


@pytest.mark.parametrize(
    ("targets", "prior"),
    # A class without any image counts as one.
    [(HARD, [0.6, 0.3, 0.1]), (SOFT, [1.5 / 3.5, 1 / 3.5, 1 / 3.5])],
)
def test_the_prior_is_the_mean_target(targets: np.ndarray, prior: list[float]) -> None:
    np.testing.assert_allclose(training_prior(targets), prior)


@pytest.mark.parametrize(
    ("settings", "prior"),
    [
        ({}, [0.6, 0.3, 0.1]),
        ({"logit_adjustment": 1.0}, [1 / 3] * 3),
        ({"balance": "weights"}, [1 / 3] * 3),
        (
            {"balance": "sampling", "balance_strength": 0.5},
            np.sqrt([0.6, 0.3, 0.1]) / np.sqrt([0.6, 0.3, 0.1]).sum(),
        ),
    ],
)
def test_the_learned_prior_is_the_training_prior_after_the_compensation(
    settings: dict[str, Any], prior: list[float]
) -> None:
    found = learned_prior(HARD, BalanceConfig(**settings))
    np.testing.assert_allclose(found, prior, rtol=1e-6)


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_class_weights_are_powers_of_the_prior_with_mean_one(strength: float) -> None:
    weights = class_weights(HARD, strength)
    assert weights[2] / weights[0] == pytest.approx(6**strength, rel=1e-5)
    assert (HARD @ weights).mean() == pytest.approx(1, rel=1e-5)
    if strength == 1:
        np.testing.assert_allclose((HARD * weights).sum(axis=0), 100 / 3, rtol=1e-5)


def test_resampling_draws_each_image_in_proportion_to_its_weight() -> None:
    weights = HARD @ class_weights(HARD, 1.0)
    order = sampled_order(weights, np.random.default_rng(0))
    assert len(order) == 100
    np.testing.assert_allclose(HARD[order].sum(axis=0), [33, 33, 33], atol=1.01)
    times = np.bincount(order, minlength=100)
    assert (np.abs(times - weights) < 1).all()
    assert not np.array_equal(order, np.sort(order))


def test_images_of_weight_zero_are_never_drawn() -> None:
    weights = np.array([0, 3, 0, 1, 0], np.float32)
    for seed in range(50):
        assert set(sampled_order(weights, np.random.default_rng(seed))) <= {1, 3}


def batches(**settings: Any) -> AugmentedBatches:
    images = np.zeros((100, 4, 4, 1), np.uint8)
    return AugmentedBatches(images, HARD, BatchSettings(batch_size=100, **settings))


def test_batches_hold_the_weights_of_their_targets() -> None:
    weights = np.array([1, 2, 5], np.float32)
    _, targets, found = batches(loss_weights=weights)[0]
    np.testing.assert_array_equal(found, targets @ weights)
    # Mixing and smoothing: the weights are those of the mixed targets before the smoothing.
    _, targets, found = batches(loss_weights=weights, mixup=1.0, label_smoothing=0.3)[0]
    np.testing.assert_allclose(found, ((targets - 0.1) / 0.7) @ weights, rtol=1e-5)
    assert len(np.unique(found)) > 3


def test_resampled_batches_are_balanced_and_hold_no_weights() -> None:
    images, targets = batches(sampling_weights=class_weights(HARD, 1.0))[0]
    np.testing.assert_allclose(targets.sum(axis=0), [33, 33, 33], atol=1.01)
    assert len(images) == 100


def test_logits_are_adjusted_in_training_only() -> None:
    image = keras.Input((3,))
    model = keras.Model(image, keras.layers.Dense(3)(image))
    adjusted = with_adjusted_logits(model, HARD, 1.5)
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    plain = keras.ops.convert_to_numpy(model(x))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(adjusted(x, training=False)), plain)
    expected = plain + 1.5 * np.log([0.6, 0.3, 0.1])
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(adjusted(x, training=True)), expected, atol=1e-5
    )
    # The loss of the paper: log(1 + sum over the others of (prior' / prior)^tau exp(f' - f)).
    adjusted.compile(
        keras.optimizers.SGD(0.0), keras.losses.CategoricalCrossentropy(from_logits=True)
    )
    targets = np.eye(3, dtype=np.float32)[[0, 1, 2, 2, 1]]
    ratio = (np.array([0.6, 0.3, 0.1]) ** 1.5)[None] / (targets @ [0.6, 0.3, 0.1])[:, None] ** 1.5
    margins = np.exp(plain - (plain * targets).sum(axis=1, keepdims=True)) * ratio
    by_hand = np.log(margins.sum(axis=1)).mean()
    trained = adjusted.train_on_batch(x, targets)
    assert float(trained) == pytest.approx(by_hand, rel=1e-5)
    assert float(adjusted.test_on_batch(x, targets)) != pytest.approx(by_hand, rel=1e-2)
