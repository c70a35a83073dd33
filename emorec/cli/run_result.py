"""Prints the result of a training run, for people and for scripts."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emorec.cli.terminal_text import one_line
from emorec.interrupts import last_interrupt

if TYPE_CHECKING:
    from emorec.training.finish import RunResult


def print_result(result: "RunResult", as_json: bool) -> None:
    """Print the result of a run; an interrupted run then ends as after Ctrl-C.

    Raises:
        KeyboardInterrupt: The run was interrupted.
    """
    from emorec.evaluation.metrics import majority_problem

    scores = result.scores
    if as_json:
        _print_json(result.folder, result.best_epoch, result.interrupted, scores.to_dict())
    else:
        click.echo(
            f"validation: accuracy {scores.accuracy:.4f}, macro F1 {scores.macro_f1:.4f}, loss "
            f"{scores.loss:.4f} ({scores.images} images, epoch {result.best_epoch}); "
            f"{scores.majority[1]:.4f} of the images are {one_line(scores.majority[0])}"
        )
        if problem := majority_problem(scores):
            click.echo(one_line(problem))
        click.echo(f"run folder: {result.folder}")
    if result.interrupted:
        click.echo(f"resume with: emorec train --resume {result.folder}", err=True)
        raise last_interrupt()


def print_finished(folder: Path, as_json: bool) -> None:
    """Print the result of a run that was finished before."""
    from emorec.training import run_folder

    metrics = run_folder.read_json(folder / run_folder.METRICS)
    click.echo(f"{folder}: the run is already finished", err=True)
    if as_json:
        _print_json(folder, metrics.get("best_epoch"), False, metrics)
    else:
        click.echo(f"run folder: {folder}")


def _print_json(
    folder: Path, best_epoch: int | None, interrupted: bool, metrics: dict[str, Any]
) -> None:
    result = {
        "run": str(folder),
        "best_epoch": best_epoch,
        "interrupted": interrupted,
        "validation": metrics,
    }
    click.echo(json.dumps(result, indent=2))
