"""Durations as text, and the rate of work in progress."""

import itertools
import re
import time
from collections.abc import Callable


def clock_text(seconds: float) -> str:
    """Write a duration as minutes and seconds, 2:28, or with hours, 1:02:28."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def duration_text(seconds: float) -> str:
    """Write a duration in words, rounded: 8.5 s, 45 s, 2 min 28 s, 3 h 5 min, 2 days 4 h."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    whole = round(seconds)
    for (name, size), (lower_name, lower) in itertools.pairwise(units):
        count, rest = divmod(round(whole / lower) * lower, size)
        if count:
            return f"{count} {name} {rest // lower} {lower_name}" if rest else f"{count} {name}"
    return f"{whole} s"


def parse_seconds(text: str) -> float:
    """Convert "90", "90s", "1:30" or "0:01:30.5" to seconds.

    Raises:
        ValueError: The text is not a time.
    """
    parts = text.removesuffix("s").split(":")
    if len(parts) > 3 or not all(part[:1].isdecimal() for part in parts):
        raise ValueError(f"{text!r} is not a time")
    total = 0.0
    for part in parts:
        total = 60 * total + float(part)
    return total


_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?(?:(\d+(?:\.\d+)?)s)?")


def parse_duration(text: str) -> float:
    """Convert "2h", "90m", "90min", "45s" or "1h30m" to seconds.

    Raises:
        ValueError: The text is not a duration, or no time.
    """
    match = _DURATION.fullmatch(text.replace(" ", "").lower()) if len(text) <= 40 else None
    hours, minutes, seconds = match.groups(default="0") if match else ("0", "0", "0")
    total = 3600 * float(hours) + 60 * float(minutes) + float(seconds)
    if not total:
        raise ValueError(f"{text!r:.60} is not a duration")
    return total


class WorkRate:
    """Measures how fast work proceeds, from its progress.

    Args:
        clock: Returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begin: tuple[float, int] | None = None
        self.done = 0
        self.total: int | None = None

    def update(self, done: int, total: int | None) -> None:
        """Store the units done and all units; None if these are unknown."""
        if self._begin is None or done < self.done:
            self._begin = self._clock(), done
        self.done, self.total = done, total

    @property
    def rate(self) -> float | None:
        """Units per second; None before a second update."""
        if self._begin is None:
            return None
        begin, before = self._begin
        seconds = self._clock() - begin
        return (self.done - before) / seconds if self.done > before and seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """Time to the end of the work; None if it is unknown."""
        rate = self.rate
        if rate is None or self.total is None:
            return None
        return max(self.total - self.done, 0) / rate


def left_text(seconds: float | None) -> str:
    """Write the time that is left, 2:28 left; "" if it is unknown."""
    return "" if seconds is None else f"{clock_text(seconds)} left"
