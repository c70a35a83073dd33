"""Progress bars on standard error; plain lines at times if it is no terminal."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
)
from rich.text import Text

from emorec.cli.durations import WorkRate, clock_text, left_text
from emorec.cli.status_lines import StatusLines, line_progress
from emorec.cli.verbosity import is_quiet


class LiveText(ProgressColumn):
    """Column whose text is computed whenever the bar is drawn."""

    def __init__(self, text: Callable[[], str]) -> None:
        super().__init__()
        self._text = text

    def render(self, task: Task) -> Text:
        """Return the text of now."""
        return Text(self._text())


def image_progress(
    description: str,
) -> AbstractContextManager[Callable[[int, int | None], None]]:
    """Show a progress bar over images; see `unit_progress`."""
    return unit_progress(description, "images")


@contextmanager
def staged_image_progress() -> Iterator[Callable[[str], Callable[[int, int | None], None]]]:
    """Show one progress bar over images after another; see `unit_progress`.

    Yields:
        A function that takes what a stage does and returns its callback. The bar of a stage
        replaces that of another one with the first call of its callback.
    """
    with ExitStack() as stack:
        shown: dict[str, Callable[[int, int | None], None]] = {}

        def stage(description: str) -> Callable[[int, int | None], None]:
            def update(done: int, total: int | None) -> None:
                if description not in shown:
                    stack.close()
                    shown.clear()
                    shown[description] = stack.enter_context(image_progress(description))
                shown[description](done, total)

            return update

        yield stage


def unit_progress(
    description: str, unit: str
) -> AbstractContextManager[Callable[[int, int | None], None]]:
    """Show a progress bar over images or frames, with the rate and the time left.

    Args:
        description: What is done.
        unit: Name of the units, for the rate.

    Returns:
        A context whose callback takes the number of units done and in total; None if the total is
        unknown.
    """
    return _progress(description, unit, MofNCompleteColumn())


def byte_progress(
    description: str,
) -> AbstractContextManager[Callable[[int, int | None], None]]:
    """Show a progress bar over bytes, with the transfer speed and the time left.

    Returns:
        A context whose callback takes the number of bytes done and in total.
    """
    return _progress(description, "bytes", DownloadColumn())


@contextmanager
def step_progress(total: int) -> Iterator[Callable[[str], None]]:
    """Show a progress bar over a few steps of unequal length.

    Args:
        total: Number of steps.

    Yields:
        A callback that takes the name of the step that begins.
    """
    console = Console(stderr=True, quiet=is_quiet())
    names: list[str] = []
    began = time.monotonic()

    def status() -> str | None:
        return f"{names[-1]}: step {len(names)} of {total}" if names else None

    with (
        nullcontext() if console.is_terminal else StatusLines(status),
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            LiveText(lambda: f"step {len(names)} of {total}"),
            LiveText(lambda: f"{clock_text(time.monotonic() - began)} elapsed"),
            console=console,
            transient=True,
            disable=console.quiet or not console.is_terminal,
        ) as bar,
    ):
        task = bar.add_task("", total=total)

        def begin(name: str) -> None:
            bar.update(task, description=name, completed=len(names))
            names.append(name)

        yield begin


@contextmanager
def _progress(
    description: str, unit: str, amount: ProgressColumn
) -> Iterator[Callable[[int, int | None], None]]:
    console = Console(stderr=True, quiet=is_quiet())
    if not console.is_terminal:
        with line_progress(description, unit) as update:
            yield update
        return
    work = WorkRate()

    def rate_text() -> str:
        if not work.rate:
            return ""
        return f"{work.rate / 1e6:.1f} MB/s" if unit == "bytes" else f"{work.rate:,.0f} {unit}/s"

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        amount,
        LiveText(rate_text),
        LiveText(lambda: left_text(work.seconds_left)),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task(description, total=None)

        def update(done: int, total: int | None) -> None:
            work.update(done, total)
            bar.update(task, completed=done, total=total)

        yield update
