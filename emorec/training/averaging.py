"""Puts the moving average of the weights in place of the weights for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras


@contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """Let a compiled model have the averages that its optimizer keeps, while the context lasts.

    The moving statistics of batch normalisation stay as they are: they are averages over steps
    already. Without averages (`use_ema`), or before the first step, nothing changes.
    """
    optimizer = model.optimizer
    if not (optimizer.use_ema and optimizer.built and int(optimizer.iterations)):
        yield
        return
    weights = [keras.ops.convert_to_numpy(v) for v in model.trainable_variables]
    for variable, average in zip(
        model.trainable_variables, optimizer._model_variables_moving_average, strict=True
    ):
        variable.assign(average)
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, weights, strict=True):
            variable.assign(value)


class ValidateAverages(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Validates the averages of the weights instead of the weights of the last step."""

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Put the averages in place."""
        self._context = averaged(self.model)
        self._context.__enter__()

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Put the weights back."""
        self._context.__exit__(None, None, None)
