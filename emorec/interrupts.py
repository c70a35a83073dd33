"""Turns Ctrl-C, SIGTERM and SIGHUP into one exception, and defers it while work is half finished.

Python raises KeyboardInterrupt between any two instructions of the main thread, also while a
queue or a future holds its lock. The lock then stays held, and everything that waits for it
hangs (https://github.com/python/cpython/issues/74174).
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import queue
    from concurrent.futures import Future

T = TypeVar("T")

SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
)
"""The signals that end the work. Windows has no SIGHUP; Ctrl-Break there is like Ctrl-C."""

_KEYS = (signal.SIGINT, getattr(signal, "SIGBREAK", signal.SIGINT))

REPEAT_S = 0.5
"""Seconds within which further signals count as the first one.

`timeout` sends each signal twice, and an impatient user presses Ctrl-C twice.
"""

_POLL_S = 0.1


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP was received; everything that handles Ctrl-C handles it likewise.

    Attributes:
        number: Number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def exit_code(interrupt: BaseException) -> int:
    """Return the exit code after an interrupt: 130 (Ctrl-C), 143 (SIGTERM) or 129 (SIGHUP)."""
    return 128 + (interrupt.number if isinstance(interrupt, Terminated) else signal.SIGINT)


_last: tuple[int, float] | None = None
"""Number and time of the last signal that was raised."""


def catch_signals() -> None:
    """Raise KeyboardInterrupt for each signal of `SIGNALS`, from now on.

    A signal that is ignored, as `nohup` ignores SIGHUP, stays ignored; a handler of the caller
    stays in place.
    """
    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _raise)


def ignore_further_signals() -> None:
    """Ignore the signals if one was raised, at the very end of a process.

    While Python ends, it resets its handlers, and a repeated signal would change the exit code.
    """
    if _last is not None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def last_interrupt() -> KeyboardInterrupt:
    """Return the exception of the last signal, to raise it again."""
    if _last is None or _last[0] in _KEYS:
        return KeyboardInterrupt()
    return Terminated(_last[0])


def _raise(number: int, frame: FrameType | None) -> None:
    global _last
    now = time.monotonic()
    if _last is None or now - _last[1] >= REPEAT_S:
        _last = (number, now)
        raise last_interrupt()


class _Hold:
    """Signal handlers that record the first signal; a later one is delivered at once."""

    def __init__(self) -> None:
        self._handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self._pending: int | None = None
        self._received_s = 0.0
        self._delivered = False

    def begin(self) -> None:
        for number in SIGNALS:
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
            self._pending, self._received_s = number, time.monotonic()
        elif time.monotonic() - self._received_s >= REPEAT_S:
            self._delivered = True
            self._handlers[number](number, frame)


_hold: _Hold | None = None


@contextmanager
def hold_interrupts() -> Iterator[None]:
    """Hold back the signals of `SIGNALS` that have a handler, until the block ends.

    `deliver_pending_interrupt` delivers a signal earlier. A second one, later than `REPEAT_S`, is
    delivered at once. Outside the main thread, which alone receives signals, and inside another
    such block there is no effect.
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
