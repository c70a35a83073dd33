"""Defers Ctrl-C until no work is half finished and no lock is held.

Python raises KeyboardInterrupt between any two instructions of the main thread, also while a
queue or a future holds its lock. The lock then stays held, and everything that waits for it
hangs (https://github.com/python/cpython/issues/74174).
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import queue
    from concurrent.futures import Future

T = TypeVar("T")

_POLL_S = 0.1


class _Hold:
    """Signal handlers that record the first signal; a second signal is delivered at once."""

    def __init__(self) -> None:
        self._handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self._pending: int | None = None
        self._delivered = False

    def begin(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if callable(handler):  # neither ignored nor the default action
                self._handlers[number] = handler
                signal.signal(number, self._record)

    def end(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def deliver(self) -> None:
        if self._pending is not None and not self._delivered:
            self._delivered = True
            self._handlers[self._pending](self._pending, None)

    def _record(self, number: int, frame: FrameType | None) -> None:
        if self._pending is None:
            self._pending = number
        else:
            self._delivered = True
            self._handlers[number](number, frame)


_hold: _Hold | None = None


@contextmanager
def hold_interrupts() -> Iterator[None]:
    """Hold back SIGINT, and SIGTERM if it has a handler, until the block ends.

    `deliver_pending_interrupt` delivers it earlier. A second signal is delivered at once. Outside
    the main thread, which alone receives signals, and inside another such block there is no
    effect.
    """
    global _hold
    if _hold is not None or threading.current_thread() is not threading.main_thread():
        yield
        return
    hold = _hold = _Hold()
    try:
        hold.begin()
        yield
    finally:
        _hold = None
        hold.end()
    # After the handlers are restored, so that no signal is lost in between.
    hold.deliver()


def deliver_pending_interrupt() -> None:
    """Call the handler of a signal that was held back; for Ctrl-C it raises KeyboardInterrupt."""
    if _hold is not None and threading.current_thread() is threading.main_thread():
        _hold.deliver()


def wait_for_result(future: "Future[T]") -> T:
    """Wait for the result of a future; a pending interrupt is delivered meanwhile."""
    from concurrent.futures import wait  # a single image does without this import

    while not future.done():
        wait([future], timeout=_POLL_S)
        deliver_pending_interrupt()
    return future.result()


def wait_for_item(items: "queue.Queue[T]") -> T:
    """Wait for the next item of a queue; a pending interrupt is delivered meanwhile."""
    import queue

    while True:
        try:
            return items.get(timeout=_POLL_S)
        except queue.Empty:
            deliver_pending_interrupt()
