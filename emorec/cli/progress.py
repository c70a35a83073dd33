"""Progress of long work on the terminal."""

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
    """A bar over all epochs under a table of them, on standard error.

    Where standard error is no terminal, there is no bar, and a plain line for each epoch.
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
        self._begun: float | None = None

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

    def preparing(self, what: str, done: int, total: int) -> None:
        """Show how far the work before or after the training is."""
        self._bar.update(self._task, description=what, completed=done, total=total)

    def update(self, step: "Step") -> None:
        """Show where the run stands."""
        done = (step.epoch - 1) * step.batches + step.batch
        figures = step.metrics
        self._bar.update(
            self._task,
            total=step.epochs * step.batches,
            completed=done,
            description=f"epoch {step.epoch}/{step.epochs} loss {figures.get('loss', 0):.3f}",
        )
        if not step.epoch_done:
            if self._begun is None:
                self._begun = time.monotonic()
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
        seconds = f"{now - (self._begun or now):.0f} s"
        self._begun = now
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
    """Images done a second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} a second" if task.speed else "")


@contextlib.contextmanager
def image_progress(description: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar with the rate and the time left; gives what is to be told done and total.

    A total of None is unknown.

    Where standard error is no terminal, nothing is shown.
    """
    columns = (MofNCompleteColumn(), _Rate(), TextColumn("left"))
    with _counting(description, *columns) as update:
        yield update


@contextlib.contextmanager
def byte_progress(description: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar over bytes with the time left; gives what is to be told done and total.

    Where standard error is no terminal, nothing is shown.
    """
    with _counting(description, DownloadColumn(), TransferSpeedColumn()) as update:
        yield update


@contextlib.contextmanager
def _counting(
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
