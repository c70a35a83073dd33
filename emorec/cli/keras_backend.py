"""Loads Keras without the start-up messages of its backend."""

import os
from typing import TYPE_CHECKING

from emorec.cli.native_messages import messages_held_back
from emorec.errors import ConfigError

if TYPE_CHECKING:
    from emorec.training.distribution import Extent, World

_BACKENDS = ("tensorflow", "jax", "torch")


def load_keras(distribute: "Extent | None" = None, arch: str | None = None) -> "World":
    """Import Keras quietly, and connect to the devices.

    Args:
        distribute: Devices to train on together; None for one device.
        arch: Name of the architecture to train; None if nothing is trained.

    Returns:
        The processes that train together.

    Raises:
        ConfigError: KERAS_BACKEND names an unknown backend, or one that cannot distribute, or no
            architecture has the name.
        EmorecError: The other hosts cannot be reached.
        ImportError: A package is missing.
    """
    backend = os.environ.get("KERAS_BACKEND", _BACKENDS[0])
    if backend not in _BACKENDS:
        raise ConfigError(
            f"KERAS_BACKEND must be one of {', '.join(_BACKENDS)}; received {backend!r}"
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if arch is not None:
        from emorec.training.onednn import configure_onednn

        configure_onednn(arch)
    with messages_held_back():
        import keras

        from emorec.training.distribution import join

        # Hosts connect before any computation.
        world = join(distribute)
        # The first operation makes the backend detect its devices, with messages.
        keras.ops.zeros(())
        # Seeding makes Keras load TensorFlow where it is installed, whatever the backend.
        keras.utils.set_random_seed(0)
    return world
