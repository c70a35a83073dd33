"""Suppresses the messages that native libraries write to the standard streams."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def native_messages_dropped() -> Iterator[None]:
    """Drop what native libraries write to standard error while the block runs.

    What Python writes to `sys.stderr` still appears.
    """
    real = sys.stderr
    with Path(os.devnull).open("wb") as nothing, _redirected(nothing.fileno()) as kept:
        try:
            if _descriptor(real) == 2:
                errors = real.errors or "backslashreplace"
                sys.stderr = os.fdopen(
                    os.dup(kept), "w", buffering=1, encoding=real.encoding, errors=errors
                )
            yield
        finally:
            if sys.stderr is not real:
                sys.stderr.close()
                sys.stderr = real


def _descriptor(stream: IO[str]) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError):  # an in-memory stream, as in tests
        return None


@contextmanager
def messages_held_back() -> Iterator[None]:
    """Hold back standard output and standard error; print both only if the block fails."""
    from tempfile import TemporaryFile  # not needed by detect, which starts faster without it

    with TemporaryFile() as held:
        try:
            with _redirected(held.fileno(), 1), _redirected(held.fileno()):
                yield
        except BaseException:
            held.seek(0)
            os.write(2, held.read())
            raise


@contextmanager
def _redirected(descriptor: int, source: int = 2) -> Iterator[int]:
    """Redirect a standard stream to a descriptor; yields a descriptor of its former target."""
    stream = sys.stdout if source == 1 else sys.stderr
    stream.flush()
    kept = os.dup(source)
    os.dup2(descriptor, source)
    try:
        yield kept
    finally:
        stream.flush()
        os.dup2(kept, source)
        os.close(kept)
