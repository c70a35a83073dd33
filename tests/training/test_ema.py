from typing import Any

import keras
import numpy as np

from emorec.training.config_groups import OptimizerConfig
from emorec.training.ema import ValidateWithEma, ema_values, ema_weights
from emorec.training.optimizer import make_optimizer


class Weights(keras.callbacks.Callback):
    """Records the kernel after every step, and the validated one."""

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


def test_the_ema_is_validated_and_replaces_the_weights_in_the_context() -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    optimizer = make_optimizer(OptimizerConfig(ema=0.75), model, 0.1)
    model.compile(optimizer, keras.losses.MeanSquaredError())
    x = np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)
    y = x[:, :2] * 3
    weights = Weights()
    entered: list[np.ndarray] = []

    class Save(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            with ema_weights(self.model):
                entered.append(weights.kernel())
            kernel, _ = ema_values(self.model, self.model)
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(kernel), entered[-1])
            np.testing.assert_array_equal(weights.kernel(), weights.steps[-1])

    model.fit(
        x,
        y,
        batch_size=4,
        epochs=3,
        validation_data=(x, y),
        validation_batch_size=16,
        callbacks=[ValidateWithEma(), weights, Save()],
        verbose=0,
    )
    expected = []
    average = weights.steps[0]
    for number, step in enumerate(weights.steps):
        decay = min(0.75, number / (number + 3))
        average = decay * average + (1 - decay) * step
        if number % 4 == 3:
            expected.append(average)
    assert len(expected) == 3
    np.testing.assert_allclose(entered, expected, atol=1e-6)
    np.testing.assert_allclose(weights.validated, expected, atol=1e-6)
    assert np.abs(expected[-1] - weights.steps[-1]).max() > 0.01


def test_without_an_ema_the_weights_stay() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(make_optimizer(OptimizerConfig(), model, 0.1), "mse")
    before = model.get_weights()[0]
    with ema_weights(model):
        np.testing.assert_array_equal(model.get_weights()[0], before)


def test_without_its_warm_up_the_average_has_one_decay() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    optimizer = make_optimizer(OptimizerConfig(ema=0.75, ema_warmup=False), model, 0.1)
    optimizer.build(model.trainable_variables)
    assert optimizer.ema_momentum == 0.75
