"""Makes the optimizer of a run: its rate over time, its decay, clipping and averaging."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from emorec.modeling.architectures import architecture
from emorec.modeling.classifier_parts import backbone_of
from emorec.modeling.finetune import layer_groups
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


def learning_rate(config: TrainConfig, peak: float, epochs: int, batches: int) -> Any:
    """Make the learning rate of each step.

    Args:
        config: Settings of the run.
        peak: Highest rate.
        epochs: Epochs that the schedule spans, the warm-up among them.
        batches: Steps of an epoch.

    Returns:
        A number, or a schedule where the rate changes.
    """
    total = epochs * batches
    # A short trial keeps half its steps for the full rate.
    warmup = min(round(config.warmup_epochs * batches), total // 2)
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
    config: TrainConfig,
    model: keras.Model,
    peak: float,
    epochs: int,
    batches: int,
    whole: keras.Model | None = None,
) -> keras.optimizers.Optimizer:
    """Make the optimizer of a model.

    Vectors are kept out of the weight decay: in every architecture they are the biases and the
    scales and offsets of norms, and decaying those only shifts what the weights then undo (He et
    al. 2019, "Bag of Tricks").

    Args:
        config: Settings of the run.
        model: Its variables that train are told apart; the optimizer is not built on it yet.
        peak: Highest learning rate.
        epochs: Epochs that the schedule spans.
        batches: Steps of an epoch.
        whole: The classifier that the model is a part of; None where it is the model itself.
    """
    settings: dict[str, Any] = {
        "learning_rate": learning_rate(config, peak, epochs, batches),
        # AdamW takes no None and decays by default; SGD does no needless work for None.
        "weight_decay": config.weight_decay or (0.0 if config.optimizer == "adamw" else None),
        "global_clipnorm": config.clip_norm,
        "use_ema": bool(config.ema),
        "ema_momentum": config.ema,
    }
    kind = keras.optimizers.SGD
    if config.optimizer == "adamw":
        kind = keras.optimizers.AdamW
    else:
        settings |= {"momentum": config.momentum, "nesterov": config.nesterov}
    if config.layer_decay < 1:
        optimizer = _by_depth(kind, rate_factors(config, model, whole or model))(**settings)
    else:
        optimizer = kind(**settings)
    vectors = [variable for variable in model.trainable_variables if len(variable.shape) < 2]
    optimizer.exclude_from_weight_decay(var_list=vectors)
    return optimizer


def rate_factors(config: TrainConfig, model: keras.Model, whole: keras.Model) -> list[float]:
    """Give what the rate of each variable that trains is multiplied by (Howard and Ruder 2018).

    It is 1 for the head, `layer_decay` for the last block of the backbone, its square for the
    block before, and so on.

    Returns:
        One factor for each of the model's trainable variables, in their order.
    """
    groups = layer_groups(architecture(config.arch), backbone_of(whole))
    factors = {
        id(variable): config.layer_decay**depth
        for depth, group in enumerate(reversed(groups), 1)
        for layer in group
        for variable in layer.trainable_variables
    }
    return [factors.get(id(variable), 1.0) for variable in model.trainable_variables]


def _by_depth(kind: Any, factors: Sequence[float]) -> Any:
    """Let an optimizer of Keras have a rate for each variable, in steps and in decay."""

    class ByDepth(kind):  # type: ignore[misc]
        weight_decay: float | None

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            factor = factors[self._get_variable_index(variable)]
            super().update_step(gradient, variable, learning_rate * factor)

        def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
            whole = self.weight_decay
            for variable in variables:
                if whole:
                    self.weight_decay = whole * factors[self._get_variable_index(variable)]
                super()._apply_weight_decay([variable])
            self.weight_decay = whole

    return ByDepth
