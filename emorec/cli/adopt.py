"""The command `emorec models adopt`."""

import math
from pathlib import Path

import click

from emorec.cli.json_output import JsonOutput, json_options
from emorec.cli.overwriting import refuse_overwriting, require_file_path
from emorec.cli.parameters import Choice
from emorec.cli.verbosity import note
from emorec.types import MAX_CROP_MARGIN, MIN_CROP_MARGIN

_UNSPECIFIED = "unspecified"


def _numbers(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[float, ...] | None:
    """Convert "0.485,0.456,0.406" or "1/255" to numbers; callback of an option."""
    return None if value is None else tuple(_number(part) for part in value.split(","))


def _number(text: str) -> float:
    try:
        above, _, below = text.partition("/")
        number = float(above) / float(below or 1)
    except (ValueError, ZeroDivisionError):
        number = math.nan
    if not math.isfinite(number):
        raise click.BadParameter(f"{text!r} is not a number or a fraction such as 1/255")
    return number


def _divisors(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[float, ...] | None:
    numbers = _numbers(ctx, parameter, value)
    if numbers and 0 in numbers:
        raise click.BadParameter("the image is divided by it; it must not be 0")
    return numbers


def _factor(ctx: click.Context, parameter: click.Parameter, value: str) -> float:
    number = _number(value)
    if number == 0:
        raise click.BadParameter("the image is multiplied by it; it must not be 0")
    return number


def _labels(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    """Split and clean labels, and replace known names of emotions by those of emorec."""
    from emorec.labels import canonical_emotion, is_emotion_name, is_printable

    names = [name.strip() for name in value.split(",")]
    labels = [canonical_emotion(name) if is_emotion_name(name) else name for name in names]
    if len(labels) < 2 or not all(map(is_printable, labels)) or "" in labels:
        raise click.BadParameter(f"{value!r:.200} is not a list of names with commas between them")
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise click.BadParameter(f"{value!r:.200} names {twice!r} twice")
    return tuple(labels)


@click.command(
    epilog="""\b
Examples:
  emorec models adopt ferplus.onnx --size 64 --out-file adopted.onnx \\
      --label-names neutral,happy,surprise,sad,angry,disgust,fear,contempt
  emorec models adopt enet.onnx --color rgb --scale 1/255 --mean 0.485,0.456,0.406 \\
      --std 0.229,0.224,0.225 --label-names angry,disgust,fear,happy,neutral,sad,surprise \\
      --interpolation linear --license Apache-2.0 --out-file adopted.onnx
"""
)
@click.argument("file", type=click.Path(readable=False, path_type=Path))
@click.option(
    "--label-names",
    "labels",
    callback=_labels,
    required=True,
    metavar="NAME,NAME,...",
    help="The emotions in the order of the model's output. Known names such as happiness become "
    "those of emorec.",
)
@click.option(
    "--out-file",
    "out",
    required=True,
    metavar="FILE",
    type=click.Path(readable=False, path_type=Path),
    help="ONNX file to write; FILE stays as it is.",
)
@click.option(
    "--size",
    type=click.IntRange(1, 1024),
    help="Side of the input in pixels.  [default: as FILE states]",
)
@click.option(
    "--color",
    type=Choice(("gray", "rgb", "bgr")),
    help="What the channels of the input hold; gray is repeated for three channels.  [default: "
    "gray for one channel]",
)
@click.option(
    "--input-layout",
    "layout",
    type=Choice(("nhwc", "nchw")),
    help="Order of the input's dimensions: channels last or first.  [default: by its shape]",
)
@click.option(
    "--scale",
    callback=_factor,
    default="1",
    show_default=True,
    metavar="NUMBER",
    help="The model receives (image x scale - mean) / std, with the image in 0..255; e.g. 1/255.",
)
@click.option(
    "--mean",
    callback=_numbers,
    default="0",
    show_default=True,
    metavar="NUMBER[,...]",
    help="One number, or one for each channel in the order of the model.",
)
@click.option(
    "--std",
    callback=_divisors,
    default="1",
    show_default=True,
    metavar="NUMBER[,...]",
    help="As --mean.",
)
@click.option(
    "--output",
    type=Choice(("logits", "probabilities")),
    help="What the model returns.  [default: probabilities if its values on noise are some]",
)
@click.option(
    "--output-name",
    metavar="NAME",
    help="Its output, if several have as many values as there are labels.",
)
@click.option(
    "--interpolation",
    type=Choice(("area", "linear")),
    default="area",
    show_default=True,
    help="How crops are resized; that of the model's training is best.",
)
@click.option(
    "--crop-margin",
    type=click.FloatRange(MIN_CROP_MARGIN, MAX_CROP_MARGIN),
    default=0.0,
    show_default=True,
    help="Margin around a detected face, as a share of its box.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(0.01, 100),
    default=1.0,
    show_default=True,
    help="Divisor of the logits, for calibrated probabilities.",
)
@click.option("--model-name", "name", help="Short name of the model.  [default: that of FILE]")
@click.option(
    "--model-version",
    "version_text",
    default=_UNSPECIFIED,
    show_default=True,
    help="Version of the model.",
)
@click.option(
    "--architecture",
    default=_UNSPECIFIED,
    show_default=True,
    help="Name of the network.",
)
@click.option(
    "--training-data",
    default=_UNSPECIFIED,
    show_default=True,
    help="What the model was trained on.",
)
@click.option(
    "--license",
    "license_text",
    default=_UNSPECIFIED,
    show_default=True,
    help="Licence of the weights.",
)
@json_options
def adopt(
    file: Path,
    labels: tuple[str, ...],
    out: Path,
    size: int | None,
    color: str | None,
    layout: str | None,
    scale: float,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    output: str | None,
    output_name: str | None,
    interpolation: str,
    crop_margin: float,
    temperature: float,
    name: str | None,
    version_text: str,
    architecture: str,
    training_data: str,
    license_text: str,
    json_output: JsonOutput,
) -> None:
    """Write a model from elsewhere with the metadata that emorec needs.

    FILE is an ONNX classifier of face images with one input and one output of logits or
    probabilities. The new file takes images in 0..255, converts them as FILE needs them, and is
    run on noise before it is written. Options that take a model accept it. It needs the extra
    onnx.
    """
    from emorec.models.files import find_model

    file = find_model(file, ("onnx",))
    require_file_path("--out-file", out)
    if out.suffix != ".onnx":
        raise click.UsageError(f"--out-file: {out} must have the suffix .onnx")
    refuse_overwriting([out], [file], "name another file with --out-file")
    json_output.check(models=[file], files=[out])
    from emorec import __version__
    from emorec.cli.terminal_text import one_line
    from emorec.export.adopt import adopt as adopt_model
    from emorec.export.adopted_graph import ForeignModel
    from emorec.metadata import ModelMetadata, name_problem

    name = file.stem if name is None else name
    if problem := name_problem(name):
        raise click.UsageError(f"--model-name: {problem}")
    metadata = ModelMetadata(
        name=name,
        version=version_text,
        architecture=architecture,
        labels=labels,
        color="gray",
        input_size=size or 1,
        interpolation=interpolation,
        crop_margin=crop_margin,
        temperature=temperature,
        training_data=training_data,
        license=license_text,
        created_with=__version__,
    )
    model = ForeignModel(
        metadata, size, color, layout, scale, mean, std, output=output, output_name=output_name
    )
    found = adopt_model(file, model, out)
    side = found.metadata.input_size
    result = {
        "path": str(out),
        "labels": list(labels),
        "input_size": side,
        "color": color or "gray",
        "layout": found.layout,
        "output": found.output,
        "bytes": out.stat().st_size,
    }
    if not json_output.write(result):
        click.echo(
            f"{one_line(str(out))}: {len(labels)} labels, {side} x {side}, {color or 'gray'}, "
            f"{found.layout}, output {found.output}, {out.stat().st_size / 1e6:.2f} MB"
        )
    if license_text == _UNSPECIFIED:
        note("the licence of the model is unspecified; state it with --license")
