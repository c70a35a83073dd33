"""Lets Ctrl-C wait until nothing is half done and no lock is held.

Python raises KeyboardInterrupt between any two instructions of the main thread, also inside the
locks of queues and futures, which then stay taken: whatever waits for them waits for ever
(https://github.com/python/cpython/issues/74174).
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
    """Takes signals in place of their handlers; a second signal goes through at once."""

    def __init__(self) -> None:
        self._handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self._came: int | None = None
        self._through = False

    def begin(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if callable(handler):  # neither ignored nor deadly
                self._handlers[number] = handler
                signal.signal(number, self._take)

    def end(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def deliver_pending_interrupt(self) -> None:
        if self._came is not None and not self._through:
            self._through = True
            self._handlers[self._came](self._came, None)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._came is None:
            self._came = number
        else:
            self._through = True
            self._handlers[number](number, frame)


_hold: _Hold | None = None


@contextmanager
def hold_interrupts() -> Iterator[None]:
    """Hold SIGINT back, and SIGTERM where it has a handler, until `deliver_pending_interrupt` or the end.

    A second signal goes through at once. Outside the main thread, which alone gets signals, and
    inside another such block it changes nothing.
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
    # With the handlers back in place, so that no signal falls between.
    hold.deliver_pending_interrupt()


def deliver_pending_interrupt() -> None:
    """Let a signal that was held back do what it would have done: raise KeyboardInterrupt."""
    if _hold is not None and threading.current_thread() is threading.main_thread():
        _hold.deliver_pending_interrupt()


def wait_for_result(future: "Future[T]") -> T:
    """Wait for the result of a future, and let signals through meanwhile."""
    from concurrent.futures import wait  # one picture needs none, and is done sooner without

    while not future.done():
        wait([future], timeout=_POLL_S)
        deliver_pending_interrupt()
    return future.result()


def wait_for_item(waiting: "queue.Queue[T]") -> T:
    """Wait for the next item of a queue, and let signals through meanwhile."""
    import queue

    while True:
        try:
            return waiting.get(timeout=_POLL_S)
        except queue.Empty:
            deliver_pending_interrupt()
