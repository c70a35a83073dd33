"""Replaces the weights of a model by their exponential moving average (EMA) for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras


@contextmanager
def ema_weights(model: keras.Model) -> Iterator[None]:
    """Replace the weights of a compiled model by their EMA within the context.

    The moving statistics of batch normalisation stay as they are: they are averages already.
    Without an EMA (`use_ema`), or before the first step, nothing changes.
    """
    averages = _averages(model)
    # Copies on the devices: JAX lets a step reuse the memory of its arguments, and compares values
    # from the host across all processes.
    weights = [keras.ops.copy(variable) for variable, _ in averages]
    for variable, average in averages:
        variable.assign(keras.ops.copy(average))
    try:
        yield
    finally:
        for (variable, _), value in zip(averages, weights, strict=True):
            variable.assign(value)


def ema_values(classifier: keras.Model, model: keras.Model) -> list[Any]:
    """List the variables of `classifier.weights`, the trained ones replaced by their EMA.

    Other than `ema_weights` it changes nothing, so one process of several can call it alone.

    Args:
        classifier: The whole classifier.
        model: Model to train: the classifier, or a part of it.
    """
    averages = {id(variable): average for variable, average in _averages(model)}
    return [averages.get(id(variable), variable) for variable in classifier.weights]


def _averages(model: keras.Model) -> list[tuple[Any, Any]]:
    """Pairs of a variable and its EMA; empty without an EMA or before the first step."""
    optimizer = model.optimizer
    if not (optimizer.use_ema and optimizer.built and int(optimizer.iterations)):
        return []
    averages = optimizer._model_variables_moving_average
    return list(zip(model.trainable_variables, averages, strict=True))


# Keras's SwapEMAWeights swaps by additions on TensorFlow, which rounds the weights at every
# validation, passes them through the host on JAX, and fails without an EMA.
class ValidateWithEma(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Validates the EMA of the weights instead of the weights of the last step."""

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Replace the weights by their EMA."""
        self._context = ema_weights(self.model)
        self._context.__enter__()

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Restore the weights."""
        self._context.__exit__(None, None, None)
