"""Moving statistics of batch normalisation in training: those of the epoch, or the stored ones."""

import functools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from emorec.modeling.classifier_parts import weighted_layers


class EpochNormStatistics(keras.callbacks.Callback):  # type: ignore[misc]  # no types
    """Removes the statistics from before the epoch, ahead of its validation, or at its end.

    Norms start with a mean of 0 and a variance of 1, or with the statistics of other images, and
    forget them by one percent a step, or less. In a short run much of that remains, and the
    validation runs another network than the training did: networks whose layers have small outputs
    (Xception's) can stay at chance while their training succeeds. After n steps a known share,
    momentum ** n, of the old value remains, so it is removed, as Adam does with its moments (Kingma
    and Ba 2015); the rest is the average over the batches of the epoch, the last ones with the
    largest weight. That is an average over the whole training set, and close to the precise
    statistics of Wu and Johnson (2021, "Rethinking Batch in BatchNorm").
    """

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Copy the statistics from before the epoch."""
        # Copies: JAX lets a step reuse the memory of its arguments.
        self._before = [
            (norm.momentum, lowest, variable, ops.copy(variable))
            for norm in weighted_layers(self.model)
            if isinstance(norm, keras.layers.BatchNormalization) and norm.trainable
            for lowest, variable in ((-math.inf, norm.moving_mean), (0.0, norm.moving_variance))
        ]

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Remove them from the moving statistics."""
        self._remove()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Remove them from the moving statistics where there is no validation."""
        self._remove()

    def _remove(self) -> None:
        for momentum, lowest, variable, before in self._before:
            left = momentum ** self.params["steps"]
            # After few steps rounding errors are magnified, and can make a variance of 0 negative.
            variable.assign(ops.maximum((variable - left * before) / (1 - left), lowest))
        self._before = []


@contextmanager
def frozen_norm_statistics(model: keras.Model) -> Iterator[int]:
    """Normalise by the stored statistics within the context, in training too.

    The scale and the offset of the norms are trained as before. Few images have other statistics in
    every batch, and too few batches to average them; those of the initial weights come from many.
    The layers stay those of Keras, so saved models are not affected.

    Args:
        model: The model; its functions compiled within the context use the stored statistics.

    Yields:
        Number of norms.
    """
    norms = [
        layer
        for layer in weighted_layers(model)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    # `fast_layers` has replaced some of the calls.
    replaced = [vars(norm).get("call") for norm in norms]
    for norm in norms:
        norm.call = functools.partial(_in_inference, norm.call)
    try:
        yield len(norms)
    finally:
        for norm, call in zip(norms, replaced, strict=True):
            if call is None:
                del norm.call
            else:
                norm.call = call


def _in_inference(
    call: Callable[..., Any], inputs: Any, training: bool | None = None, mask: Any = None
) -> Any:
    return call(inputs, training=False, mask=mask)
