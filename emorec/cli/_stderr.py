"""Keeps what native libraries write to standard error from the user."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def native_messages_dropped() -> Iterator[None]:
    """Drop what libraries write to standard error past Python, while the block lasts.

    What Python writes to `sys.stderr` still arrives.
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
    except (OSError, ValueError):  # a stream in memory, as in tests
        return None


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
def _redirected(descriptor: int) -> Iterator[int]:
    """Send what is written to descriptor 2 elsewhere; gives a descriptor of where it went."""
    sys.stderr.flush()
    kept = os.dup(2)
    os.dup2(descriptor, 2)
    try:
        yield kept
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
