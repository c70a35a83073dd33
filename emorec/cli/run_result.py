"""Tells what a training run reached, to people and to scripts."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from emorec.training.finish import RunResult


def conclude(outcome: "RunResult", as_json: bool) -> None:
    """Tell what a run reached; one that was interrupted ends as Ctrl-C does.

    Raises:
        KeyboardInterrupt: The run was interrupted.
    """
    _print_outcome(outcome, as_json)
    if outcome.interrupted:
        click.echo(f"go on with: emorec train --resume {outcome.folder}", err=True)
        raise KeyboardInterrupt


def print_finished(folder: Path, as_json: bool) -> None:
    """Tell that there is nothing left to do; a script gets what the run reached."""
    from emorec.training import run_folder

    figures = run_folder.read_json(folder / run_folder.METRICS)
    click.echo(f"{folder}: the run is finished; nothing is left to do", err=True)
    if as_json:
        _print_json(folder, figures.get("best_epoch"), False, figures)
    else:
        click.echo(f"run folder: {folder}")


def _print_json(
    folder: Path, best_epoch: int | None, interrupted: bool, figures: dict[str, Any]
) -> None:
    result = {
        "run": str(folder),
        "best_epoch": best_epoch,
        "interrupted": interrupted,
        "validation": figures,
    }
    click.echo(json.dumps(result, indent=2))


def _print_outcome(outcome: "RunResult", as_json: bool) -> None:
    scores = outcome.scores
    if as_json:
        _print_json(outcome.folder, outcome.best_epoch, outcome.interrupted, scores.to_dict())
        return
    click.echo(
        f"validation: accuracy {scores.accuracy:.4f}, macro F1 {scores.macro_f1:.4f}, loss "
        f"{scores.loss:.4f} ({scores.images} images, epoch {outcome.best_epoch})"
    )
    click.echo(f"run folder: {outcome.folder}")
