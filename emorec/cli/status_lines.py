"""Plain lines about work in progress, for a standard error that is no terminal."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Self

import click

from emorec.cli.durations import WorkRate, left_text
from emorec.cli.verbosity import is_quiet

SECONDS = 30.0
"""Longest time without a line."""


class StatusLines:
    """Prints a line whenever none was printed for some time, from a thread of its own.

    Used in a `with` block. A step that reports nothing while it runs, such as an export, gets its
    lines too. A quiet command prints none.

    Args:
        status: Returns the line; None prints nothing.
        seconds: Longest time without a line.
    """

    def __init__(self, status: Callable[[], str | None], seconds: float = SECONDS) -> None:
        self._status, self._seconds = status, seconds
        self._is_quiet = is_quiet()  # asked here, as the thread has no context
        self._printed = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="emorec-status", daemon=True)

    def __enter__(self) -> Self:
        self._printed = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stopped.set()
        self._thread.join()

    def print(self, line: str) -> None:
        """Print a line at once."""
        self._printed = time.monotonic()
        if not self._is_quiet:
            click.echo(line, err=True)

    def _run(self) -> None:
        while not self._stopped.wait(max(self._printed + self._seconds - time.monotonic(), 0.01)):
            if time.monotonic() - self._printed < self._seconds:
                continue
            line = self._status()
            self._printed = time.monotonic()
            if line is not None and not self._is_quiet:
                # The reader of standard error may be gone; the work goes on.
                with suppress(OSError, ValueError):
                    click.echo(line, err=True)


@contextmanager
def line_progress(
    description: str, unit: str = "images", seconds: float = SECONDS
) -> Iterator[Callable[[int, int | None], None]]:
    """Print the progress of work at times, with the rate and the time left.

    Args:
        description: What is done.
        unit: Name of the units, for the rate.
        seconds: Longest time without a line.

    Yields:
        A callback that takes the number of units done and in total; None if the total is unknown.
    """
    work = WorkRate()
    with StatusLines(lambda: status_text(description, work, unit), seconds):
        yield work.update


def status_text(description: str, work: WorkRate, unit: str = "") -> str:
    """Describe work in progress in one line."""
    total = "" if work.total is None else f" of {work.total:,}"
    rate = f"{work.rate:,.1f} {unit}/s" if unit and work.rate else ""
    parts = (f"{work.done:,}{total}", rate, left_text(work.seconds_left))
    return f"{description}: {', '.join(part for part in parts if part)}"
