"""Shows a hyperparameter search on standard error: estimate, progress and finished trials."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from emorec.cli.durations import duration_text
from emorec.cli.status_lines import SECONDS, StatusLines
from emorec.cli.terminal_text import one_line
from emorec.cli.verbosity import is_quiet
from emorec.training.tuning_records import TrialRecord, setting_text, value_text

if TYPE_CHECKING:
    from typing import Self

    from emorec.training.tuning_progress import TuningProgress


class TuningDisplay:
    """A line for each trial that has ended, and a progress bar over all trials.

    If standard error is no terminal, there is no bar, but a line at least every 30 s.

    Args:
        started: Start of the command, as `time.monotonic` counts.

    Attributes:
        folder: Folder of the search, once it is known.
    """

    def __init__(self, started: float) -> None:
        console = Console(stderr=True, quiet=is_quiet())
        self._started = started
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=console.quiet or not console.is_terminal,
        )
        self._task = self._bar.add_task("loading", total=None)
        self._status = "loading"
        self._lines = None if console.is_terminal else StatusLines(lambda: self._status, SECONDS)
        self.folder: Path | None = None

    def __enter__(self) -> "Self":
        if self._lines:
            self._lines.__enter__()
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()
        if self._lines:
            self._lines.__exit__(*exception)

    def update(self, now: "TuningProgress") -> None:
        """Show the progress of the search."""
        plan = now.plan
        if self.folder is None:
            self.folder = now.folder
            self._print(f"search of settings: at most {plan.trials} trials; {now.folder}")
        if now.ended is not None:
            self._print(self._line(now, now.ended))
            return
        if now.trial_seconds is not None:
            self._print(_estimate(now, now.trial_seconds))
            return
        title = f"trial {now.number}/{plan.trials}"
        done = now.number - 1.0
        if now.epoch:
            share = (now.epoch - 1 + now.batch / max(now.batches, 1)) / max(now.epochs, 1)
            done += min(share, 1.0)
            self._status = (
                f"{title}: epoch {now.epoch}/{now.epochs}, batch {now.batch}/{now.batches}"
            )
        else:
            self._status = f"{title}: {now.step}" if now.step else title
        self._bar.update(
            self._task, description=self._status, completed=done, total=float(plan.trials)
        )

    def _line(self, now: "TuningProgress", ended: TrialRecord) -> str:
        objective = now.plan.objective
        if (value := ended.value(objective)) is not None:
            figure = f"{objective} {value_text(value)}"
            if now.best is not None:
                best = now.best
                figure += (
                    " (best)"
                    if best.number == ended.number
                    else f" (best {value_text(best.value(objective))}, trial {best.number})"
                )
        else:
            figure = f"{ended.outcome.state}: {ended.outcome.reason}"
        settings = ", ".join(
            f"{name.removeprefix('augmentation.')} {setting_text(each)}"
            for name, each in ended.settings.items()
        )
        own = ", the settings of the recipe" if ended.number == 1 else ""
        return one_line(
            f"trial {ended.number}/{now.plan.trials}{own}: {figure}; {settings}; "
            f"{duration_text(ended.seconds)}"
        )

    def _print(self, line: str) -> None:
        if self._lines:
            self._lines.print(line)
        else:
            self._bar.console.print(line, highlight=False, markup=False, soft_wrap=True)


def _estimate(now: "TuningProgress", seconds: float) -> str:
    trials = now.plan.trials
    text = f"estimate: about {duration_text(seconds)} a trial"
    if now.plan.seconds is None:
        return f"{text}, at most {duration_text(trials * seconds)} for {trials} trials"
    fitting = min(int(now.plan.seconds / seconds), trials)
    return (
        f"{text}: about {fitting} of {trials} trials fit into {duration_text(now.plan.seconds)}; "
        "pruned trials are shorter"
    )
