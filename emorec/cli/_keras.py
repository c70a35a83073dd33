"""Loads Keras without the start-up messages of its backend."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def load_keras() -> None:
    """Import Keras quietly; the import errors of missing packages pass through."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _standard_error_held_back():
        import keras

        # The first operation makes TensorFlow look for devices, and talk about it.
        keras.ops.zeros(())


@contextmanager
def _standard_error_held_back() -> Iterator[None]:
    """Hold back what native code writes to standard error; shown only if the block fails."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
