"""Makes the moving statistics of batch normalisation those of the epoch that has just ended."""

import math
from typing import Any

import keras
from keras import ops

from emorec.modeling.classifier_parts import weighted_layers


class StatisticsOfEpoch(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Takes out of the moving statistics what they were before the epoch, ahead of its validation.

    Norms start with a mean of 0 and a variance of 1, or with the statistics of other pictures, and
    forget them by a hundredth a step, or less. In a small run much of that is left, and validation
    sees another net than the training did: nets whose layers put out small values (Xception's)
    can stay at chance, while their training goes well. What m ** steps of the old value remains
    after an epoch is known, so it is taken out, as Adam does with its moments (Kingma and Ba
    2015); the rest is the average over the epoch's batches, the last ones counting most. That is
    an average over the whole training set, and close to the precise statistics that Wu and Johnson
    (2021, "Rethinking Batch in BatchNorm") compute anew.
    """

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep the statistics from before the epoch."""
        # Copies, for JAX lets a step reuse the memory of whatever it is given.
        self._before = [
            (norm.momentum, lowest, variable, ops.copy(variable))
            for norm in weighted_layers(self.model)
            if isinstance(norm, keras.layers.BatchNormalization) and norm.trainable
            for lowest, variable in ((-math.inf, norm.moving_mean), (0.0, norm.moving_variance))
        ]

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Take them out."""
        for momentum, lowest, variable, before in self._before:
            left = momentum ** self.params["steps"]
            # After few steps rounding is magnified, and would make a variance of 0 negative.
            variable.assign(ops.maximum((variable - left * before) / (1 - left), lowest))
