"""The option --folds of `emorec train`: its values, the cross-validation and its result."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emorec.cli.json_output import JsonOutput
from emorec.cli.keras_backend import load_keras
from emorec.cli.log_messages import each_warning_once
from emorec.cli.terminal_text import one_line
from emorec.cli.verbosity import note
from emorec.datasets.choices import LEAVE_ONE_GROUP_OUT
from emorec.json_files import read_json

if TYPE_CHECKING:
    from emorec.training.config import TrainConfig
    from emorec.training.cross_validation import CrossValidationResult

_TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
}


def read_folds(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> int | str | None:
    """Convert the value of --folds: a number, or leave-one-group-out; callback of the option."""
    if value is None or value == LEAVE_ONE_GROUP_OUT:
        return value
    try:
        return int(value)
    except ValueError:
        raise click.BadParameter(
            f"{value!r:.80} is neither a number of folds nor {LEAVE_ONE_GROUP_OUT}"
        ) from None


def cross_validate(
    settings: "TrainConfig",
    data: Path,
    out: Path,
    folds: int | str,
    started: float,
    json_output: JsonOutput,
    *,
    tensorboard: bool,
    track: tuple[str, ...] = (),
) -> None:
    """Run a cross-validation, and print its result.

    Raises:
        ConfigError, DataError: The folds are impossible; this is found before Keras is loaded.
    """
    from emorec.training.fold_data import plan_folds
    from emorec.training.run_data import open_dataset

    plan_folds(settings, open_dataset(settings, data), folds, settings.seed)
    load_keras(arch=settings.arch)
    from emorec.training.cross_validation import cross_validate as run

    def start(**options: Any) -> "CrossValidationResult":
        return run(settings, data, out, folds, tensorboard=tensorboard, track=track, **options)

    _complete(start, started, json_output)


def resume(
    folder: Path,
    data: Path | None,
    started: float,
    json_output: JsonOutput,
    *,
    tensorboard: bool,
    track: tuple[str, ...] = (),
) -> None:
    """Resume a cross-validation, and print its result."""
    from emorec.training import fold_folder, run_folder

    if not fold_folder.finished(folder):
        with run_folder.in_use(folder):
            pass
        load_keras(arch=run_folder.read(folder)[0].arch)
        from emorec.training.cross_validation import resume_cross_validation

        def start(**options: Any) -> "CrossValidationResult | None":
            return resume_cross_validation(
                folder, data, tensorboard=tensorboard, track=track, **options
            )

        if _complete(start, started, json_output):
            return
    note(f"{folder}: the cross-validation is already finished")
    metrics = read_json(folder / run_folder.METRICS)
    if not json_output.write({"run": str(folder), **metrics}):
        click.echo(f"folder: {folder}")


def _complete(
    start: "Callable[..., CrossValidationResult | None]", started: float, json_output: JsonOutput
) -> bool:
    """Run or resume a cross-validation, and print its result; false if it was finished before."""
    from emorec.cli.folds_display import FoldsDisplay

    display = FoldsDisplay(started)
    try:
        with display, each_warning_once():
            result = start(progress=display.progress, step_progress=display.preparing)
            if result:
                display.finished()
    except KeyboardInterrupt:
        if display.folder and display.folder.exists():
            click.echo(f"resume with: emorec train --resume {display.folder}", err=True)
        raise
    if result:
        print_result(result, json_output)
    return result is not None


def print_result(result: "CrossValidationResult", json_output: JsonOutput) -> None:
    """Print the result of a cross-validation."""
    from emorec.evaluation.metrics import intervals_text, majority_problem
    from emorec.metadata import calibration_problem
    from emorec.training import fold_folder, run_folder

    metrics = read_json(result.folder / run_folder.METRICS)
    for place in result.tracked:
        note(f"tracked by {place}")
    if json_output.write({"run": str(result.folder), **metrics}):
        return
    figures = result.figures
    scores = figures.evaluation.scores
    click.echo(f"{'':19}all images                      mean of the folds ± deviation")
    for name, title in _TITLES.items():
        low, high = getattr(scores, f"{name}_interval")
        click.echo(
            f"{title:18} {getattr(scores, name):.4f} (95 %: {low:.4f} to {high:.4f})  "
            f"{figures.mean(name):.4f} ± {figures.deviation(name):.4f}"
        )
    click.echo(
        f"{scores.majority[1]:.4f} of the {scores.images:,} images are "
        f"{one_line(scores.majority[0])}"
    )
    click.echo(intervals_text(scores))
    worst = figures.worst_class
    click.echo(
        f"worst class: {one_line(worst.label)}, recall {worst.recall:.4f} ({worst.images} images)"
    )
    if figures.worst_groups:
        group = figures.worst_groups[0]
        click.echo(
            f"worst group: {one_line(group.group)}, accuracy {group.accuracy:.4f} "
            f"({group.images} images)"
        )
    if problem := majority_problem(scores):
        click.echo(one_line(problem))
    if problem := calibration_problem(figures.evaluation.metadata.calibration_images):
        click.echo(problem)
    epochs = f"{figures.epochs} epoch{'s' * (figures.epochs != 1)}"
    click.echo(f"final model: {epochs} on all images; {result.folder}")
    click.echo(f"page: {result.folder / fold_folder.PAGE}")
