"""Makes the optimizer of a run: weight decay, clipping, layer-wise rates and moving average."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from emorec.modeling.architectures import Architecture
from emorec.modeling.classifier_parts import backbone_of
from emorec.modeling.finetune import layer_groups
from emorec.training.config_groups import OptimizerConfig


def make_optimizer(
    config: OptimizerConfig,
    model: keras.Model,
    learning_rate: Any,
    factors: Sequence[float] | None = None,
) -> keras.optimizers.Optimizer:
    """Make the optimizer of a model.

    One-dimensional variables are excluded from the weight decay: in every architecture they are
    biases and the scales and offsets of norms (He et al. 2019, "Bag of Tricks").

    Args:
        config: Settings of the optimizer.
        model: Model to train; the optimizer is not built on it yet.
        learning_rate: A number or a Keras schedule.
        factors: Factor of the rate of each trainable variable, from `rate_factors`; None for one
            rate.
    """
    settings: dict[str, Any] = {
        "learning_rate": learning_rate,
        # AdamW rejects None and decays by default; SGD skips the decay for None.
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
    if config.ema and config.ema_warmup:
        kind = _with_ema_warm_up(kind)
    optimizer = kind(**settings) if factors is None else _layer_wise(kind, factors)(**settings)
    vectors = [variable for variable in model.trainable_variables if len(variable.shape) < 2]
    optimizer.exclude_from_weight_decay(var_list=vectors)
    return optimizer


def rate_factors(
    layer_decay: float, architecture: Architecture, model: keras.Model, classifier: keras.Model
) -> list[float] | None:
    """Compute the factor of the learning rate of each variable (Howard and Ruder 2018).

    The factor is 1 for the head, `layer_decay` for the last block of the backbone, its square for
    the block before, and so on.

    Args:
        layer_decay: Factor from block to block; 1 for one rate.
        architecture: The architecture, which defines the blocks.
        model: Model to train: the classifier, or the part of it after the frozen layers.
        classifier: The whole classifier.

    Returns:
        One factor for each trainable variable of the model, in order; None for one rate.
    """
    if layer_decay == 1:
        return None
    groups = layer_groups(architecture, backbone_of(classifier))
    factors = {
        id(variable): layer_decay**depth
        for depth, group in enumerate(reversed(groups), 1)
        for layer in group
        for variable in layer.trainable_variables
    }
    return [factors.get(id(variable), 1.0) for variable in model.trainable_variables]


def _with_ema_warm_up(kind: Any) -> Any:
    """Derive an optimizer class whose moving average forgets the initial weights soon.

    In a run of few steps most of the average would be the initial weights. Until the decay is
    reached, step t has a decay of t / (t + 3), which weights the steps by about their square
    (polynomial-decay averaging with eta = 2; Shamir and Zhang 2013).
    """

    class EmaWithWarmUp(kind):  # type: ignore[misc]
        @property
        def ema_momentum(self) -> Any:
            if not self.built:
                return self._ema_decay
            step = ops.cast(self.iterations, "float32")
            return ops.minimum(self._ema_decay, step / (step + 3))

        @ema_momentum.setter
        def ema_momentum(self, decay: float) -> None:
            self._ema_decay = decay

    return EmaWithWarmUp


def _layer_wise(kind: Any, factors: Sequence[float]) -> Any:
    """Derive an optimizer class with a rate for each variable, in steps and in decay."""

    class LayerWise(kind):  # type: ignore[misc]
        weight_decay: float | None

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            factor = factors[self._get_variable_index(variable)]
            super().update_step(gradient, variable, learning_rate * factor)

        def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
            full = self.weight_decay
            for variable in variables:
                if full:
                    self.weight_decay = full * factors[self._get_variable_index(variable)]
                super()._apply_weight_decay([variable])
            self.weight_decay = full

    return LayerWise
