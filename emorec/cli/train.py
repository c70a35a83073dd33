"""The command `emorec train`."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emorec.cli.folds import cross_validate, read_folds
from emorec.cli.folds import resume as resume_folds
from emorec.cli.json_output import JsonOutput, json_options
from emorec.cli.parameters import Choice, OutputFolder
from emorec.cli.run_result import print_finished, print_result
from emorec.cli.train_options import setting_options
from emorec.cli.training_settings import refuse_settings, resolve_settings
from emorec.training.tracked_run import TRACKERS

if TYPE_CHECKING:
    from emorec.training.config import TrainConfig
    from emorec.training.distribution import Extent, World
    from emorec.training.finish import RunResult

_WITH_RESUME = ("data", "resume", "distribute", "as_json", "json_file", "tensorboard", "track")

_ONE_PROCESS = "a cross-validation trains in one process; remove --distribute"


def _files_read(ctx: click.Context) -> list[Path]:
    """List the files that options name as inputs, aside from the data set and the run."""
    names = ("config", "weights", "label_map", "teacher_probabilities")
    values = (ctx.params[name] for name in names)
    return [Path(value) for value in (*values, *ctx.params["teacher"]) if value]


@click.command(
    epilog="""\b
Examples:
  emorec train --data FER-2013 --recipe quick
  emorec train --data FER-2013 --arch compact
  emorec train --data MYDATA --weights emorec
  emorec train --data FER-2013 --arch vgg16 --head-epochs 3 --trainable-layers 4
  emorec train --data FER-2013 --arch xception --weights none --epochs 1 --limit 2000
  emorec train --data FER-2013 --arch resnet50 --dry-run
  emorec train --data CKPLUS --weights emorec --folds 10
  emorec train --resume runs/20260314-150926-compact
"""
)
@click.option(
    "--data",
    type=click.Path(readable=False, path_type=Path),
    help="A prepared data set, or a FER-2013 folder tree; required without --resume.",
)
@click.option(
    "--resume",
    metavar="RUN",
    type=click.Path(readable=False, path_type=Path),
    help="Resume an interrupted run after its last whole epoch, with its own settings. --data "
    "names its data set if that was moved.",
)
@click.option(
    "--config",
    type=click.Path(readable=False, path_type=Path),
    help="YAML file of settings; command-line options override it.  [default: the recipe finetune "
    "for a model of emorec as weights and fewer than 5,000 training images, else the file of the "
    "architecture]",
)
@click.option(
    "--recipe",
    metavar="NAME",
    help="A shipped file of settings: quick, quick-taught, finetune, laptop (with --arch), or any "
    "other name of configs/; command-line options override it.",
)
@click.option(
    "--out",
    metavar="FOLDER",
    type=OutputFolder(),
    default=Path("runs"),
    show_default=True,
    help="Folder in which the run folder is created.",
)
@click.option(
    "--folds",
    metavar="N|leave-one-group-out",
    callback=read_folds,
    help="Cross-validation: train a model for each of N folds of the images of train and "
    "validation, stratified and by group (person), then one on all of them; or leave out one group "
    "at a time.",
)
@setting_options
@click.option(
    "--distribute",
    type=Choice(["devices", "hosts"]),
    help="Train on all accelerators of this machine, or of several; needs KERAS_BACKEND=jax.",
)
@click.option(
    "--tensorboard",
    is_flag=True,
    help="Also write the metrics for TensorBoard: tensorboard --logdir RUN/tensorboard",
)
@click.option(
    "--track",
    type=Choice(TRACKERS),
    multiple=True,
    help="Also track the run with MLflow or Weights & Biases; repeatable. Nothing is uploaded "
    "unless MLFLOW_TRACKING_URI or WANDB_MODE=online says so (docs/experiments.md).",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Measure the first steps, print the settings and the estimated duration and memory, and "
    "stop; no run folder is created.",
)
@json_options
@click.pass_context
def train(
    ctx: click.Context,
    /,
    data: Path | None,
    resume: Path | None,
    distribute: "Extent | None",
    config: Path | None,
    recipe: str | None,
    out: Path,
    folds: int | str | None,
    assignments: tuple[str, ...],
    tensorboard: bool,
    track: tuple[str, ...],
    dry_run: bool,
    json_output: JsonOutput,
    **_options: Any,
) -> None:
    """Train a model and write a run folder: model, metrics and figures.

    After the first steps, the estimated duration of the run is printed.
    """
    started = time.monotonic()
    if folds is not None and distribute:
        raise click.UsageError(_ONE_PROCESS)
    if folds is not None and dry_run:
        raise click.UsageError(
            "--dry-run measures one run, and --folds trains one for each fold and another one; "
            "remove one of them"
        )
    if dry_run and distribute == "hosts":
        raise click.UsageError("--dry-run measures one process; remove --distribute hosts")
    start: Callable[..., RunResult | None]
    json_output.check(
        files=_files_read(ctx), folders=[folder for folder in (data, resume) if folder]
    )
    if resume:
        refuse_settings(ctx, _WITH_RESUME, "run")
        from emorec.training import fold_folder, run_folder

        whole = fold_folder.whole(resume)
        if fold_folder.is_cross_validation(whole):
            if distribute:
                raise click.UsageError(_ONE_PROCESS)
            resume_folds(whole, data, started, json_output, tensorboard=tensorboard, track=track)
            return

        # Before Keras is loaded. Several hosts share the folder, and only the first one locks it.
        if distribute != "hosts":
            if run_folder.finished(resume):
                print_finished(resume, json_output)
                return
            with run_folder.in_use(resume):
                pass
        arch = run_folder.read(resume)[0].arch
        start = partial(_resume, resume, data)
    elif data is None:
        raise click.MissingParameter(ctx=ctx, param_type="option", param_hint="'--data'")
    else:
        settings, _, _ = resolve_settings(ctx, assignments, config, recipe, data)
        if dry_run:
            _dry_run(settings, data, distribute, started, json_output)
            return
        if folds is not None:
            cross_validate(
                settings,
                data,
                out,
                folds,
                started,
                json_output,
                tensorboard=tensorboard,
                track=track,
            )
            return
        arch = settings.arch
        start = partial(_train, settings, data, out)
    from emorec.cli.keras_backend import load_keras

    world = load_keras(distribute, arch)
    from emorec.cli.training_display import TrainingDisplay

    if not world.first:
        start(world)
        return
    with TrainingDisplay(started) as display:
        result = start(
            world,
            progress=display.update,
            step_progress=display.preparing,
            estimate=display.estimate,
            tensorboard=tensorboard,
            track=track,
        )
        if result and not result.interrupted:
            display.finished()
    if result:
        print_result(result, json_output)
    elif resume:
        print_finished(resume, json_output)


def _dry_run(
    settings: "TrainConfig",
    data: Path,
    distribute: "Extent | None",
    started: float,
    json_output: JsonOutput,
) -> None:
    from emorec.cli.keras_backend import load_keras

    world = load_keras(distribute, settings.arch)
    from emorec.cli.estimate_text import print_dry_run
    from emorec.cli.training_display import TrainingDisplay
    from emorec.training.dry_run import dry_run

    before = time.monotonic() - started
    with TrainingDisplay(started) as display:
        found = dry_run(settings, data, step_progress=display.preparing, world=world)
    print_dry_run(found, before, json_output)


def _train(
    settings: "TrainConfig", data: Path, out: Path, world: "World", **options: Any
) -> "RunResult | None":
    from emorec.training import runner

    if world.first:
        return runner.train(settings, data, out, world=world, **options)
    runner.train_as_worker(settings, data, world)
    return None


def _resume(folder: Path, data: Path | None, world: "World", **options: Any) -> "RunResult | None":
    from emorec.training import runner

    if world.first:
        return runner.resume(folder, data, world=world, **options)
    runner.resume_as_worker(folder, data, world)
    return None
