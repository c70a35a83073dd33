"""Loads Keras without the start-up messages of its backend."""

import os

from emorec.cli._stderr import messages_held_back


def load_keras() -> None:
    """Import Keras quietly; the import errors of missing packages pass through."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with messages_held_back():
        import keras

        # The first operation makes TensorFlow look for devices, and talk about it.
        keras.ops.zeros(())
