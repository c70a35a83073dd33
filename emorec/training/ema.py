"""Puts the moving average of the weights in place of the weights for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras


@contextmanager
def ema_weights(model: keras.Model) -> Iterator[None]:
    """Let a compiled model have the averages that its optimizer keeps, while the context lasts.

    The moving statistics of batch normalisation stay as they are: they are averages over steps
    already. Without averages (`use_ema`), or before the first step, nothing changes.
    """
    averages = _averages(model)
    # Copies on the devices, for JAX lets a step reuse the memory of whatever it is given, and
    # compares what comes from outside across all processes.
    weights = [keras.ops.copy(variable) for variable, _ in averages]
    for variable, average in averages:
        variable.assign(keras.ops.copy(average))
    try:
        yield
    finally:
        for (variable, _), value in zip(averages, weights, strict=True):
            variable.assign(value)


def ema_values(whole: keras.Model, model: keras.Model) -> list[Any]:
    """Give the variables of `whole.weights`, those that train replaced by their averages.

    As for `ema_weights`; but nothing is changed, so one of several processes can do it alone.

    Args:
        whole: The classifier.
        model: What is fitted: the classifier, or a part of it.
    """
    averages = {id(variable): average for variable, average in _averages(model)}
    return [averages.get(id(variable), variable) for variable in whole.weights]


def _averages(model: keras.Model) -> list[tuple[Any, Any]]:
    """Pairs of a variable and its average; none without averages or before the first step."""
    optimizer = model.optimizer
    if not (optimizer.use_ema and optimizer.built and int(optimizer.iterations)):
        return []
    averages = optimizer._model_variables_moving_average
    return list(zip(model.trainable_variables, averages, strict=True))


class ValidateWithEma(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Validates the averages of the weights instead of the weights of the last step."""

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Put the averages in place."""
        self._context = ema_weights(self.model)
        self._context.__enter__()

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Put the weights back."""
        self._context.__exit__(None, None, None)
