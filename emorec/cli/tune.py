"""The command `emorec tune`."""

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emorec.cli.durations import parse_duration
from emorec.cli.json_output import JsonOutput, json_options
from emorec.cli.parameters import Choice, OutputFolder
from emorec.cli.terminal_text import one_line
from emorec.cli.train_options import setting_options
from emorec.cli.training_settings import refuse_settings, resolve_settings
from emorec.cli.verbosity import note
from emorec.training.tuning_records import OBJECTIVES

if TYPE_CHECKING:
    from emorec.training.tuning import TuningResult

_TRIALS = 20

_WITH_RESUME = ("data", "resume", "trials", "seconds", "as_json", "json_file")


def _read_seconds(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> float | None:
    """Convert a duration such as 2h to seconds; callback of the option."""
    if value is None:
        return None
    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}; such as 90m, 2h or 1h30m") from error


@click.command(
    epilog="""\b
Examples:
  emorec tune --data FER-2013 --recipe quick --trials 20 --time 8h
  emorec tune --data MYDATA --weights emorec --objective balanced_accuracy
  emorec tune --data FER-2013 --arch nano --limit 6000 --epochs 8
  emorec tune --data FER-2013 --arch compact --space space.yaml
  emorec tune --resume tuning/20260314-150926-compact-tuning --trials 40
"""
)
@click.option(
    "--data",
    type=click.Path(readable=False, path_type=Path),
    help="A prepared data set, or a FER-2013 folder tree; required without --resume.",
)
@click.option(
    "--resume",
    metavar="FOLDER",
    type=click.Path(readable=False, path_type=Path),
    help="Resume a search, with its own settings; an interrupted trial goes on after its last "
    "whole epoch. --trials and --time replace those of the search.",
)
@click.option(
    "--trials",
    type=click.IntRange(1, 1000),
    default=_TRIALS,
    show_default=True,
    help="Number of trials, the first of which has the settings of the recipe.",
)
@click.option(
    "--time",
    "seconds",
    metavar="DURATION",
    callback=_read_seconds,
    help="Time for all trials, such as 90m or 2h: a trial that would not end in time is not begun.",
)
@click.option(
    "--objective",
    type=Choice(OBJECTIVES),
    default=OBJECTIVES[0],
    show_default=True,
    help="Figure on the validation split by which trials are compared.",
)
@click.option(
    "--space",
    type=click.Path(readable=False, path_type=Path),
    help="YAML file of the searched settings and their ranges.  [default: that of the recipe in "
    "configs/search, or the general one]",
)
@click.option(
    "--pruning/--no-pruning",
    default=True,
    show_default=True,
    help="End trials whose figure is worse than the median of the trials before after the same "
    "epoch.",
)
@click.option(
    "--config",
    type=click.Path(readable=False, path_type=Path),
    help="YAML file of settings; command-line options override it.  [default: as for train]",
)
@click.option(
    "--recipe",
    metavar="NAME",
    help="A shipped file of settings, as for train; command-line options override it.",
)
@click.option(
    "--out",
    metavar="FOLDER",
    type=OutputFolder(),
    default=Path("tuning"),
    show_default=True,
    help="Folder in which the folder of the search is created.",
)
@setting_options
@json_options
@click.pass_context
def tune(
    ctx: click.Context,
    /,
    data: Path | None,
    resume: Path | None,
    trials: int,
    seconds: float | None,
    objective: str,
    space: Path | None,
    pruning: bool,
    config: Path | None,
    recipe: str | None,
    out: Path,
    assignments: tuple[str, ...],
    json_output: JsonOutput,
    **_options: Any,
) -> None:
    """Search the settings of a training on the validation split.

    Each trial is a training with other settings, which Optuna proposes. Settings named by options
    are fixed. After every trial, best.yaml in the folder of the search has the best settings so
    far, for `emorec train --config`.
    """
    named = [path for path in (config, space) if path]
    json_output.check(files=named, folders=[folder for folder in (data, resume) if folder])
    if resume:
        result = _resume(ctx, resume, data, trials, seconds)
    elif data is None:
        raise click.MissingParameter(ctx=ctx, param_type="option", param_hint="'--data'")
    else:
        from emorec.training.search_space import read_space, shipped_space

        settings, recipe, overrides = resolve_settings(ctx, assignments, config, recipe, data)
        file = space or shipped_space(recipe)
        searched = read_space(file, settings, set(overrides))
        note(f"searched settings, from {file}: {', '.join(each.name for each in searched)}")
        from emorec.training.tuning import tune as run

        start = partial(
            run,
            settings,
            searched,
            data,
            out,
            objective=objective,
            trials=trials,
            seconds=seconds,
            pruning=pruning,
        )
        result = _run(start)
    _print_result(result, json_output)


def _resume(
    ctx: click.Context, folder: Path, data: Path | None, trials: int, seconds: float | None
) -> "TuningResult":
    refuse_settings(ctx, _WITH_RESUME, "search")
    changes: dict[str, Any] = {
        name: value
        for name, value in (("trials", trials), ("seconds", seconds))
        if ctx.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
    }
    from emorec.training.tuning import resume_tuning

    return _run(partial(resume_tuning, folder, data, **changes))


def _run(start: "partial[TuningResult]") -> "TuningResult":
    from emorec.cli.tuning_display import TuningDisplay

    display = TuningDisplay(time.monotonic())
    try:
        with display:
            return start(progress=display.update)
    except KeyboardInterrupt:
        if display.folder and display.folder.exists():
            click.echo(f"resume with: emorec tune --resume {display.folder}", err=True)
        raise


def _print_result(result: "TuningResult", json_output: JsonOutput) -> None:
    from emorec.training.tuning_folder import BEST, REPORT, finish_command, train_command
    from emorec.training.tuning_report import summary_lines, tuning_dict

    if result.out_of_time:
        note(
            f"the time is over after {len(result.trials)} of {result.plan.trials} trials; go on "
            f"with: emorec tune --resume {result.folder} --time DURATION"
        )
    if json_output.write(tuning_dict(result.folder, result.plan, result.trials)):
        return
    for line in summary_lines(result.plan, result.trials):
        click.echo(one_line(line))
    if result.best is None:
        click.echo(f"folder: {result.folder}")
        return
    click.echo(f"settings: {result.folder / BEST}")
    click.echo(f"report: {result.folder / REPORT}")
    click.echo(f"model of the best trial, in seconds: {finish_command(result.folder, result.best)}")
    click.echo(f"a new run: {train_command(result.folder, result.plan)}")
