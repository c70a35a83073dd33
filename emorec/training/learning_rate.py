"""Owns the learning-rate schedules of a run."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from emorec.training.config_groups import LearningRateConfig

Schedule = Callable[[Any], Any]


# Of Keras's schedules only CosineDecay has a warm-up (with the same rates); this one precedes any.
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # no types
    """Linear warm-up, followed by another schedule (Goyal et al. 2017).

    The rate rises from peak / (steps + 1): a rate of 0 would waste the first step.
    """

    def __init__(self, steps: int, peak: float, after: Schedule | None):
        """Store the parts.

        Args:
            steps: Length of the warm-up.
            peak: Rate at its end.
            after: Schedule that follows, from its own step 0; None for a constant rate.
        """
        super().__init__()
        self._steps, self._peak, self._after = steps, peak, after

    def __call__(self, step: Any) -> Any:
        """Compute the rate of a step."""
        step = ops.cast(step, "float32")
        rise = self._peak * (step + 1) / (self._steps + 1)
        since = ops.maximum(step - self._steps, 0.0)
        return ops.where(
            step < self._steps, rise, self._after(since) if self._after else self._peak
        )


def learning_rate(config: LearningRateConfig, peak: float, epochs: int, steps: int) -> Any:
    """Make the learning rate of a stage.

    Args:
        config: The schedule.
        peak: Highest rate.
        epochs: Number of epochs of the schedule, including the warm-up.
        steps: Number of steps of an epoch.

    Returns:
        A Keras schedule, or a number for a constant rate.
    """
    total = epochs * steps
    # A short run learns too: the warm-up takes a tenth of it at most.
    warmup = min(round(config.warmup_epochs * steps), total // 10)
    after = None
    if config.schedule == "cosine":
        after = keras.optimizers.schedules.CosineDecay(peak, total - warmup)
    elif config.schedule == "step":
        every = max(round(config.step_epochs * steps), 1)
        after = keras.optimizers.schedules.ExponentialDecay(
            peak, every, config.step_factor, staircase=True
        )
    return WarmUp(warmup, peak, after) if warmup else after or peak
