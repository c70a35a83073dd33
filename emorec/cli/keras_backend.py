"""Loads Keras without the start-up messages of its backend."""

import os
from typing import TYPE_CHECKING

from emorec.cli.native_messages import messages_held_back
from emorec.errors import ConfigError

if TYPE_CHECKING:
    from emorec.training.distribution import Extent, World

_BACKENDS = ("tensorflow", "jax", "torch")


def load_keras(distribute: "Extent | None" = None) -> "World":
    """Import Keras quietly; the import errors of missing packages pass through.

    Args:
        distribute: Which devices to train on together.

    Returns:
        Who trains together.

    Raises:
        ConfigError: The environment asks for a backend that there is not, or that cannot
            distribute.
        EmorecError: The other hosts cannot be found.
    """
    backend = os.environ.get("KERAS_BACKEND", _BACKENDS[0])
    if backend not in _BACKENDS:
        raise ConfigError(
            f"KERAS_BACKEND must be one of {', '.join(_BACKENDS)}; received {backend!r}"
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with messages_held_back():
        import keras

        from emorec.training.distribution import join

        # Hosts find each other before anything is computed.
        world = join(distribute)
        # The first operation makes the backend look for devices, and talk about it.
        keras.ops.zeros(())
        # Seeding makes Keras load TensorFlow where it is installed, whatever the backend.
        keras.utils.set_random_seed(0)
    return world
