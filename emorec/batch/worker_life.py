"""Ends worker processes with their parent, however that ends, and shields them from signals."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from emorec.atomic_files import finish_partials
from emorec.interrupts import SIGNALS

_FINISH_S = 1.0
"""Longest time for which the end of a worker waits for the image that it is writing, in seconds."""


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Block the signals that end the work, also in processes that the block starts.

    Ctrl-C goes to all processes of a terminal. A worker that is still importing its modules would
    print a traceback; the parent process alone handles signals, after the block.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent(parent_lives: Connection) -> None:
    """Leave signals to the parent process, and end this process when the parent ends.

    Args:
        parent_lives: Reading end of a pipe whose writing end only the parent has. The system closes
            that end when the parent ends, however it ends, and the parent may close it to end this
            process at once.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    threading.Thread(target=_wait, args=(parent_lives,), name="emorec-parent", daemon=True).start()


def _wait(parent_lives: Connection) -> None:
    with suppress(OSError, EOFError):
        parent_lives.recv_bytes()
    # Not `sys.exit`: the main thread may be amid native code, or wait for work.
    finish_partials(_FINISH_S)
    os._exit(1)
