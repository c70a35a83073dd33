"""Makes the optimizer of a run: its rate over time, its decay, clipping and averaging."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from emorec.training.config import TrainConfig

Schedule = Callable[[Any], Any]


class WarmUp(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # no types
    """Lets the rate rise linearly from 0 before another schedule begins."""

    def __init__(self, steps: int, peak: float, after: Schedule | None):
        """Keep the parts.

        Args:
            steps: Length of the rise.
            peak: Rate at its end.
            after: Schedule that then starts at its own step 0; None stays at the peak.
        """
        super().__init__()
        self._steps, self._peak, self._after = steps, peak, after

    def __call__(self, step: Any) -> Any:
        """Give the rate of a step."""
        step = ops.cast(step, "float32")
        rise = self._peak * step / self._steps
        since = ops.maximum(step - self._steps, 0.0)
        return ops.where(
            step < self._steps, rise, self._after(since) if self._after else self._peak
        )


def learning_rate(config: TrainConfig, epochs: int, batches: int) -> Any:
    """Make the learning rate of each step.

    Args:
        config: Settings of the run.
        epochs: Epochs that the schedule spans, the warm-up among them.
        batches: Steps of an epoch.

    Returns:
        A number, or a schedule where the rate changes.
    """
    total = epochs * batches
    # A short trial keeps half its steps for the full rate.
    warmup = min(round(config.warmup_epochs * batches), total // 2)
    peak = config.learning_rate
    after = None
    if config.schedule == "cosine":
        after = keras.optimizers.schedules.CosineDecay(peak, total - warmup)
    elif config.schedule == "step":
        every = max(round(config.step_epochs * batches), 1)
        after = keras.optimizers.schedules.ExponentialDecay(
            peak, every, config.step_factor, staircase=True
        )
    return WarmUp(warmup, peak, after) if warmup else after or peak


def make_optimizer(
    config: TrainConfig, model: keras.Model, epochs: int, batches: int
) -> keras.optimizers.Optimizer:
    """Make the optimizer of a model.

    Vectors are kept out of the weight decay: in every architecture they are the biases and the
    scales and offsets of norms, and decaying those only shifts what the weights then undo (He et
    al. 2019, "Bag of Tricks").

    Args:
        config: Settings of the run.
        model: Its variables that train are told apart; the optimizer is not built on it yet.
        epochs: Epochs that the schedule spans.
        batches: Steps of an epoch.
    """
    settings: dict[str, Any] = {
        "learning_rate": learning_rate(config, epochs, batches),
        # AdamW takes no None and decays by default; SGD does no needless work for None.
        "weight_decay": config.weight_decay or (0.0 if config.optimizer == "adamw" else None),
        "global_clipnorm": config.clip_norm,
        "use_ema": bool(config.ema),
        "ema_momentum": config.ema,
    }
    if config.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(**settings)
    else:
        optimizer = keras.optimizers.SGD(
            momentum=config.momentum, nesterov=config.nesterov, **settings
        )
    vectors = [variable for variable in model.trainable_variables if len(variable.shape) < 2]
    optimizer.exclude_from_weight_decay(var_list=vectors)
    return optimizer
