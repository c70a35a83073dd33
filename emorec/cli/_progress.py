"""Progress of long work on the terminal."""

import contextlib
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

if TYPE_CHECKING:
    from emorec.training.callbacks import Progress as Step


class TrainingProgress:
    """A bar over all epochs, and one line an epoch on standard error.

    Where standard error is no terminal, only the lines are written.
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
        """Show how far the work before the training is."""
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
        if step.epoch_done:
            self._bar.console.print(
                f"epoch {step.epoch}/{step.epochs}  "
                f"loss {figures['loss']:.4f}  accuracy {figures['accuracy']:.4f}  "
                f"validation: loss {figures['val_loss']:.4f}  "
                f"accuracy {figures['val_accuracy']:.4f}",
                highlight=False,
                soft_wrap=True,
            )


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
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextlib.contextmanager
def byte_progress(description: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar over bytes with the time left; gives what is to be told done and total.

    Where standard error is no terminal, nothing is shown.
    """
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
