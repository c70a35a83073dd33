"""The command `emorec train`."""

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emorec.cli.run_result import conclude, print_finished
from emorec.labels import POLICIES

if TYPE_CHECKING:
    from emorec.training.distribution import Extent

_OF_THE_CALL = (
    "data",
    "config",
    "out",
    "resume",
    "distribute",
    "assignments",
    "as_json",
    "augment",
    "tensorboard",
)
"""Parameters that are no settings of a run."""

_WITH_RESUME = ("data", "resume", "distribute", "as_json", "tensorboard")


def _refuse_settings(ctx: click.Context) -> None:
    """Refuse options that a resumed run would ignore: it keeps the settings it was begun with."""
    for parameter in ctx.command.params:
        name = str(parameter.name)
        given = ctx.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
        if given and name not in _WITH_RESUME:
            raise click.UsageError(
                f"--resume goes on with the run's own settings; received {parameter.opts[0]}, "
                "which takes a new run"
            )


def _settings(ctx: click.Context, assignments: tuple[str, ...]) -> dict[str, Any]:
    """Collect the options that the user really gave, under the names of the settings."""
    given = {
        name: value
        for name, value in ctx.params.items()
        if name not in _OF_THE_CALL
        # Options that can be given again are an empty tuple where they are not given.
        and value not in (None, ())
    }
    if ctx.params["augment"] is False:
        from emorec.training.config import NO_AUGMENTATION

        given["augmentation"] = NO_AUGMENTATION
    for assignment in assignments:
        name, sign, text = assignment.partition("=")
        if not sign or not name:
            raise click.UsageError(
                f"--set takes KEY=VALUE, such as augmentation.zoom=0.1; received {assignment!r}"
            )
        import yaml

        try:
            given[name.strip()] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise click.UsageError(f"--set {name}: {text!r} is not a YAML value") from None
    return given


@click.command(
    epilog="""\b
Examples:
  emorec train --data FER-2013 --arch compact
  emorec train --data FER-2013 --arch vgg16 --head-epochs 3 --trainable-layers 4
  emorec train --data FER-2013 --arch xception --weights none --epochs 1 --limit 2000
  emorec train --resume runs/20260314-150926-compact
"""
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="A prepared data set, or a FER-2013 folder tree; required without --resume.",
)
@click.option(
    "--resume",
    metavar="RUN",
    type=click.Path(path_type=Path),
    help="Go on with a run that was stopped, from its last whole epoch and with its settings. "
    "--data tells where its data are now, if they were moved.",
)
@click.option("--arch", help="`emorec architectures` lists them.  [default: compact]")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="YAML file of settings; the architecture's own is the default. Options go over it.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder in which the run folder is made.",
)
@click.option(
    "--weights",
    help="Weights to start from: none, imagenet, emorec (the model that comes with emorec), or a "
    ".keras, .weights.h5 or .h5 file. Layers that do not fit start anew and are named.",
)
@click.option(
    "--trainable-layers",
    type=int,
    help="How many of the backbone's last layers train: 0 freezes it, -1 frees it; the head "
    "always trains.  [default: 0 where weights fill the whole backbone and no head epochs come "
    "first, else -1]",
)
@click.option("--image-size", type=int, help="Side of the model's input in pixels.")
@click.option("--dropout", type=float, help="Part of the features dropped before the head.")
@click.option(
    "--flip-average/--no-flip-average",
    default=None,
    help="Let the saved model average over an image and its mirror image.",
)
@click.option(
    "--feature-cache/--no-feature-cache",
    default=None,
    help="Compute what the frozen layers give only once.  [default: where that changes nothing]",
)
@click.option(
    "--feature-views",
    type=int,
    help="Fixed views of each image for --feature-cache: the first plain, others augmented.",
)
@click.option("--labels", type=click.Choice(["hard", "soft"]), help="One-hot labels or votes.")
@click.option("--policy", type=click.Choice(POLICIES), help="Vote policy; the data's by default.")
@click.option("--classes", type=click.Choice([7, 8]), help="8 keeps contempt.")
@click.option(
    "--head-epochs",
    type=int,
    help="Epochs before the others in which the head trains alone, on a frozen backbone.",
)
@click.option("--head-learning-rate", type=float, help="Highest learning rate of those epochs.")
@click.option("--epochs", type=int, help="Most epochs to train, after those of the head.")
@click.option("--batch-size", type=int, help="Images per step.")
@click.option("--optimizer", type=click.Choice(["sgd", "adamw"]), help="Optimizer.")
@click.option("--learning-rate", type=float, help="Highest learning rate.")
@click.option(
    "--layer-decay",
    type=float,
    help="Lower the rate from block to block towards the input by this factor, such as 0.7.",
)
@click.option("--momentum", type=float, help="Momentum of SGD, 0 to below 1.")
@click.option("--nesterov/--no-nesterov", default=None, help="Nesterov's momentum.")
@click.option("--weight-decay", type=float, help="Decay of the weights, not of biases and norms.")
@click.option(
    "--schedule", type=click.Choice(["constant", "cosine", "step"]), help="Learning rate over time."
)
@click.option("--warmup-epochs", type=float, help="Epochs of linear warm-up.")
@click.option("--clip-norm", type=float, help="Largest norm of the gradient.")
@click.option(
    "--ema", type=float, help="Average of the weights over steps, such as 0.998, to keep instead."
)
@click.option("--label-smoothing", type=float, help="Part of the target that all classes share.")
@click.option("--mixup", type=float, help="Mix pairs of images: alpha, such as 0.2.")
@click.option("--cutmix", type=float, help="Put boxes of other images in: alpha, such as 1.")
@click.option("--calm-epochs", type=int, help="Last epochs without mixup, cutmix and erasing.")
@click.option(
    "--balance",
    type=click.Choice(["none", "weights", "sampling"]),
    help="Even rare and frequent classes out by weights or by sampling.",
)
@click.option(
    "--logit-adjustment", type=float, help="The same by the loss: tau, such as 1 (Menon 2021)."
)
@click.option(
    "--teacher",
    multiple=True,
    help="A model to learn from as well: .onnx, .keras or a run folder; can be given again.",
)
@click.option("--teacher-weight", type=float, help="Part of the teachers' answers in the targets.")
@click.option(
    "--partner",
    help="A .keras file or run folder whose net sees the image in --flip-average, while the one "
    "trained sees the mirror image: two nets at the cost of one.",
)
@click.option(
    "--half-weights/--no-half-weights",
    default=None,
    help="Keep the weights of the ONNX file in float16: half the size.",
)
@click.option("--patience", type=int, help="Epochs without a better validation accuracy.")
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    help="Arithmetic of the training; auto: bfloat16 where the processor has it.",
)
@click.option("--augment/--no-augment", default=None, help="Random changes of training images.")
@click.option("--limit", type=int, help="Use that many images per split: for trials.")
@click.option("--seed", type=int, help="Seed of weights, order and augmentation.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any other setting.")
@click.option(
    "--distribute",
    type=click.Choice(["devices", "hosts"]),
    help="Train on all accelerators of this machine, or of several; with KERAS_BACKEND=jax.",
)
@click.option(
    "--tensorboard",
    is_flag=True,
    help="Write the curves for TensorBoard too: tensorboard --logdir RUN/tensorboard",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def train(
    ctx: click.Context,
    /,
    data: Path | None,
    resume: Path | None,
    distribute: "Extent | None",
    config: Path | None,
    out: Path,
    assignments: tuple[str, ...],
    tensorboard: bool,
    as_json: bool,
    **_options: Any,
) -> None:
    """Train a model and leave a run folder: model, figures and pictures."""
    if resume:
        _refuse_settings(ctx)
        _resume(resume, data, distribute, tensorboard, as_json)
        return
    if data is None:
        raise click.UsageError("Missing option '--data'.")
    from emorec.training.config import load_config

    settings = load_config(config, _settings(ctx, assignments))
    from emorec.cli.keras_backend import load_keras

    world = load_keras(distribute)
    from emorec.cli.progress import TrainingDisplay
    from emorec.training.loop import train as run
    from emorec.training.loop import train_as_worker

    if not world.first:
        with _terminable():
            train_as_worker(settings, data, world)
        return
    with _terminable(), TrainingDisplay() as progress:
        outcome = run(settings, data, out, progress.update, progress.preparing, tensorboard, world)
    conclude(outcome, as_json)


def _resume(
    folder: Path,
    data: Path | None,
    distribute: "Extent | None",
    tensorboard: bool,
    as_json: bool,
) -> None:
    from emorec.cli.keras_backend import load_keras

    world = load_keras(distribute)
    from emorec.cli.progress import TrainingDisplay
    from emorec.training.loop import resume, resume_as_worker

    if not world.first:
        with _terminable():
            resume_as_worker(folder, data, world)
        return
    with _terminable(), TrainingDisplay() as progress:
        outcome = resume(folder, data, progress.update, progress.preparing, tensorboard, world)
    if outcome:
        conclude(outcome, as_json)
    else:
        print_finished(folder, as_json)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM, which schedulers send, end a run as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
