"""Keeps what native libraries write to standard error from the user."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def messages_dropped() -> Iterator[None]:
    """Drop all that is written to standard error, by Python or not, while the block lasts."""
    with Path(os.devnull).open("wb") as nothing, _redirected(nothing.fileno()):
        yield


@contextmanager
def messages_held_back() -> Iterator[None]:
    """Hold back what is written to standard error; it is shown only if the block fails."""
    from tempfile import TemporaryFile  # detect, which does not need it, starts faster without

    with TemporaryFile() as held:
        try:
            with _redirected(held.fileno()):
                yield
        except BaseException:
            held.seek(0)
            os.write(2, held.read())
            raise


@contextmanager
def _redirected(descriptor: int) -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    os.dup2(descriptor, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
