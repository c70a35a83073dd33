"""Progress bars on standard error; nothing moves there if it is no terminal."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

if TYPE_CHECKING:
    from emorec.training.training_progress import TrainingProgress as Step


_TITLES = ("epoch", "loss", "accuracy", "val. loss", "val. accuracy", "time", "")


class TrainingDisplay:
    """A table of the finished epochs above a progress bar over all epochs, on standard error.

    If standard error is no terminal, it prints one plain line for each epoch, and no bar.
    """

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("loading", total=None)
        self._epoch_start: float | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def preparing(self, description: str, done: int, total: int) -> None:
        """Show the progress of work before or after the training."""
        self._bar.update(self._task, description=description, completed=done, total=total)

    def update(self, step: "Step") -> None:
        """Show the progress of the training, after each batch and each epoch."""
        done = (step.epoch - 1) * step.batches + step.batch
        figures = step.metrics
        self._bar.update(
            self._task,
            total=step.epochs * step.batches,
            completed=done,
            description=f"epoch {step.epoch}/{step.epochs} loss {figures.get('loss', 0):.3f}",
        )
        if not step.epoch_done:
            if self._epoch_start is None:
                self._epoch_start = time.monotonic()
                if self._bar.console.is_terminal:
                    self._print(_TITLES, "bold")
            return
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        loss, accuracy, val_loss, val_accuracy = (f"{figures[name]:.4f}" for name in names)
        if not self._bar.console.is_terminal:
            self._bar.console.print(
                f"epoch {step.epoch}/{step.epochs}  loss {loss}  accuracy {accuracy}  "
                f"validation: loss {val_loss}  accuracy {val_accuracy}",
                highlight=False,
                soft_wrap=True,
            )
            return
        now = time.monotonic()
        seconds = f"{now - (self._epoch_start or now):.0f} s"
        self._epoch_start = now
        best = step.best_epoch == step.epoch
        self._print(
            (str(step.epoch), loss, accuracy, val_loss, val_accuracy, seconds, "best" * best),
            "bold" if best else "",
        )

    def _print(self, cells: Sequence[str], style: str) -> None:
        pairs = zip(cells, _TITLES, strict=True)
        line = "  ".join(cell.rjust(max(len(title), 6)) for cell, title in pairs)
        self._bar.console.print(line.rstrip(), style=style, highlight=False, no_wrap=True)


class _Rate(TextColumn):
    """Column with the number of images per second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} images/s" if task.speed else "")


@contextlib.contextmanager
def image_progress(description: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a progress bar over images, with the rate and the remaining time.

    Yields:
        A callback that takes the number of images done and in total; None if the total is unknown.
    """
    columns = (MofNCompleteColumn(), _Rate(), TextColumn("left"))
    with _progress_bar(description, *columns) as update:
        yield update


@contextlib.contextmanager
def byte_progress(description: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar over bytes, with the transfer speed and the remaining time.

    Yields:
        A callback that takes the number of bytes done and in total.
    """
    with _progress_bar(description, DownloadColumn(), TransferSpeedColumn()) as update:
        yield update


@contextlib.contextmanager
def _progress_bar(
    description: str, *columns: ProgressColumn
) -> Iterator[Callable[[int, int | None], None]]:
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
