"""Prints the result of a training run, for people and for scripts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emorec.cli.json_output import JsonOutput
from emorec.cli.terminal_text import one_line
from emorec.cli.verbosity import note
from emorec.interrupts import last_interrupt
from emorec.json_files import read_json

if TYPE_CHECKING:
    from emorec.training.finish import RunResult


def print_result(result: "RunResult", json_output: JsonOutput) -> None:
    """Print the result of a run; an interrupted run then ends as after Ctrl-C.

    Raises:
        KeyboardInterrupt: The run was interrupted.
    """
    from emorec.evaluation.metrics import majority_problem
    from emorec.metadata import calibration_problem

    scores = result.scores
    metrics = {"calibration_images": result.calibration_images, **scores.to_dict()}
    for place in result.tracked:
        note(f"tracked by {place}")
    record = _record(result.folder, result.best_epoch, result.interrupted, metrics)
    if not json_output.write(record):
        click.echo(
            f"validation: accuracy {scores.accuracy:.4f}, macro F1 {scores.macro_f1:.4f}, loss "
            f"{scores.loss:.4f} ({scores.images} images, epoch {result.best_epoch}); "
            f"{scores.majority[1]:.4f} of the images are {one_line(scores.majority[0])}"
        )
        if problem := majority_problem(scores):
            click.echo(one_line(problem))
        if problem := calibration_problem(result.calibration_images):
            click.echo(problem)
        click.echo(f"run folder: {result.folder}")
    if result.interrupted:
        click.echo(f"resume with: emorec train --resume {result.folder}", err=True)
        raise last_interrupt()


def print_finished(folder: Path, json_output: JsonOutput) -> None:
    """Print the result of a run that was finished before."""
    from emorec.training import run_folder

    metrics = read_json(folder / run_folder.METRICS)
    note(f"{folder}: the run is already finished")
    if not json_output.write(_record(folder, metrics.get("best_epoch"), False, metrics)):
        click.echo(f"run folder: {folder}")


def _record(
    folder: Path, best_epoch: int | None, interrupted: bool, metrics: dict[str, Any]
) -> dict[str, Any]:
    return {
        "run": str(folder),
        "best_epoch": best_epoch,
        "interrupted": interrupted,
        "validation": metrics,
    }
