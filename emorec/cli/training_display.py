"""Shows a training run on standard error: estimate, progress and finished epochs."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from emorec.cli.durations import WorkRate, clock_text, duration_text, left_text
from emorec.cli.estimate_text import estimate_lines
from emorec.cli.progress import LiveText
from emorec.cli.status_lines import SECONDS, StatusLines, status_text
from emorec.cli.verbosity import is_quiet

if TYPE_CHECKING:
    from emorec.training.estimate import Estimate
    from emorec.training.shortening import Shortening
    from emorec.training.training_progress import TrainingProgress as Step

_TITLES = ("epoch", "loss", "accuracy", "val. loss", "val. accuracy", "time", "")


class TrainingDisplay:
    """A table of the finished epochs above a progress bar over all epochs, on standard error.

    If standard error is no terminal, it prints one plain line for each epoch and at least one
    every `seconds`, and no bar.

    Args:
        started: Start of the command, as `time.monotonic` counts.
        seconds: Longest time without a line where there is no terminal.
    """

    def __init__(self, started: float | None = None, seconds: float = SECONDS) -> None:
        console = Console(stderr=True, quiet=is_quiet())
        now = time.monotonic()
        self._started = now if started is None else started
        self._before_seconds = now - self._started
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            LiveText(lambda: left_text(self._seconds_left())),
            LiveText(lambda: f"{clock_text(time.monotonic() - self._started)} elapsed"),
            console=console,
            transient=True,
            disable=console.quiet or not console.is_terminal,
        )
        self._task = self._bar.add_task("loading", total=None)
        self._lines = None if console.is_terminal else StatusLines(self._status, seconds)
        self._description, self._work = "loading", WorkRate()
        self._title = ""
        self._step: Step | None = None
        self._step_at = now
        self._epoch_start: float | None = None
        self._first_estimate: float | None = None

    def __enter__(self) -> Self:
        if self._lines:
            self._lines.__enter__()
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()
        if self._lines:
            self._lines.__exit__(*exception)

    def preparing(self, description: str, done: int, total: int) -> None:
        """Show the progress of work before or after the training."""
        if description != self._description:
            self._description, self._work = description, WorkRate()
        self._step = None
        self._work.update(done, total)
        self._bar.update(self._task, description=description, completed=done, total=total)

    def estimate(self, estimate: "Estimate", shorter: "tuple[Shortening, ...]") -> None:
        """Print the estimated duration of the run."""
        whole = estimate.seconds + self._before_seconds
        for line in estimate_lines(
            estimate, shorter, self._before_seconds, again=self._first_estimate is not None
        ):
            self._print(line)
        if self._first_estimate is None:
            self._first_estimate = whole

    def finished(self) -> None:
        """Print what the run took, by its first estimate."""
        if self._first_estimate is not None:
            took = duration_text(time.monotonic() - self._started)
            self._print(f"took {took}; estimated {duration_text(self._first_estimate)}")

    def update(self, step: "Step") -> None:
        """Show the progress of the training, after each batch and each epoch."""
        self._show(step)
        figures = step.metrics
        if not step.epoch_done:
            if self._epoch_start is None:
                self._epoch_start = time.monotonic()
                if not self._lines:
                    self._print_row(_TITLES, "bold")
            return
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        loss, accuracy, val_loss, val_accuracy = (f"{figures[name]:.4f}" for name in names)
        if self._lines:
            left = left_text(step.seconds_left)
            self._print(
                f"epoch {step.epoch}/{step.epochs}  loss {loss}  accuracy {accuracy}  "
                f"validation: loss {val_loss}  accuracy {val_accuracy}" + (left and f"  {left}")
            )
            return
        now = time.monotonic()
        seconds = f"{now - (self._epoch_start or now):.0f} s"
        self._epoch_start = now
        best = step.best_epoch == step.epoch
        self._print_row(
            (str(step.epoch), loss, accuracy, val_loss, val_accuracy, seconds, "best" * best),
            "bold" if best else "",
        )

    def _show(self, step: "Step") -> None:
        """Show the progress in the bar, and keep it for the next line."""
        self._step, self._step_at = step, time.monotonic()
        done = (step.epoch - 1) * step.batches + step.batch
        loss = step.metrics.get("loss", 0)
        self._bar.update(
            self._task,
            total=step.epochs * step.batches,
            completed=done,
            description=f"{self._title}epoch {step.epoch}/{step.epochs} loss {loss:.3f}",
        )

    def _seconds_left(self) -> float | None:
        """Estimate the time left, from the latest report."""
        step = self._step
        if step is None:
            return self._work.seconds_left
        if step.seconds_left is None:
            return None
        return max(step.seconds_left - (time.monotonic() - self._step_at), 0.0)

    def _status(self) -> str:
        step = self._step
        if step is None:
            counts = self._work.rate is not None
            return status_text(self._description, self._work) if counts else self._description
        batch = f"batch {step.batch}/{step.batches}" if step.batch < step.batches else "validating"
        parts = (
            f"training: {self._title}epoch {step.epoch}/{step.epochs}, {batch}",
            f"loss {step.metrics.get('loss', 0):.4f}",
            left_text(self._seconds_left()),
        )
        return ", ".join(part for part in parts if part)

    def _print(self, line: str) -> None:
        if self._lines:
            self._lines.print(line)
        else:
            self._bar.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _print_row(self, cells: Sequence[str], style: str) -> None:
        pairs = zip(cells, _TITLES, strict=True)
        line = "  ".join(cell.rjust(max(len(title), 6)) for cell, title in pairs)
        self._bar.console.print(line.rstrip(), style=style, highlight=False, no_wrap=True)
