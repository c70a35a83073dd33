"""The command `emorec models`: list, show, pull and adopt model files."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emorec.cli.adopt import adopt
from emorec.cli.command_group import CommandGroup
from emorec.cli.json_output import JsonOutput, json_options
from emorec.cli.parameters import complete_models, naming_variable
from emorec.cli.terminal_text import one_line
from emorec.cli.verbosity import note
from emorec.environment import MODEL_VARIABLE

if TYPE_CHECKING:
    from emorec.models.registry import ModelFile


@click.group(cls=CommandGroup, epilog="Example: emorec models list")
def models() -> None:
    """List, show, pull and adopt model files."""


models.add_command(adopt)


@models.command("list", epilog="Example: emorec models list --measure")
@click.option(
    "--measure",
    is_flag=True,
    help="Measure the milliseconds for one face on one thread of this machine: the median of 50 "
    "runs, from the crop to the probabilities, without detection.",
)
@json_options
def list_models(measure: bool, json_output: JsonOutput) -> None:
    """List the model files, their figures and their state.

    These are emotion models (shipped ones and those of `emorec models pull`), face detectors and
    Haar cascades. The SHA-256 of each file is checked. The accuracy is that on PublicTest of FER+.
    """
    json_output.check()
    from emorec.cli.model_table import model_entries, table_lines

    entries = model_entries(measure)
    if json_output.write(entries):
        return
    for line in table_lines(entries, measure):
        click.echo(line)


@models.command(epilog="Examples: emorec models show; emorec models show runs/my-run/model.onnx")
@click.argument(
    "model",
    metavar="[NAME|FILE|RUN]",
    required=False,
    envvar=MODEL_VARIABLE,
    shell_complete=complete_models,
)
@json_options
def show(model: str | None, json_output: JsonOutput) -> None:
    """Show the metadata of a model.

    They are labels, input, prior, training data, licence and others. NAME is a name of `emorec
    models list`, FILE a .onnx or .keras file with metadata of emorec, RUN a run folder or its
    unique beginning. The default is the model that `detect` uses by default.
    """
    from emorec import resources
    from emorec.cli.model_table import is_emotion_model
    from emorec.metadata import calibration_problem
    from emorec.models.files import find_model
    from emorec.models.registry import shipped

    files = {file.name: file for file in shipped()}
    if model in files and not is_emotion_model(files[model]):
        card = _file_card(files[model])
    else:
        with naming_variable("model", MODEL_VARIABLE):
            card = _emotion_card(find_model(model or resources.shipped_model()))
    json_output.check(models=[Path(card["path"])])
    if json_output.write(card):
        return
    for name, value in card.items():
        click.echo(f"{name.replace('_', ' '):<18} {one_line(_text(value))}")
    if problem := calibration_problem(card.get("calibration_images")):
        note(problem)


def _file_card(file: "ModelFile") -> dict[str, Any]:
    """Describe a file without metadata."""
    from emorec.cli.model_table import file_entry

    return {name: value for name, value in file_entry(file).items() if value}


def _emotion_card(path: Path) -> dict[str, Any]:
    """Describe an emotion model by its metadata."""
    from emorec.models.accuracy import measured_accuracy
    from emorec.models.files import read_cost, read_metadata
    from emorec.models.registry import hash_of

    model, cost = read_metadata(path), read_cost(path)
    sha256 = hash_of(path)
    measured = measured_accuracy().get(sha256)
    prior = dict(zip(model.labels, model.prior, strict=True)) if model.prior else None
    return {
        "name": model.name,
        "version": model.version,
        "architecture": model.architecture,
        "labels": list(model.labels),
        "input": f"{model.input_size} x {model.input_size}, {model.color}, 0..255",
        "crop_margin": model.crop_margin,
        "align": model.align,
        "parameters": cost and cost.parameters,
        "multiply_adds": cost and cost.multiply_adds,
        "accuracy": measured and measured.accuracy,
        "balanced_accuracy": measured and measured.balanced_accuracy,
        "temperature": model.temperature,
        "calibration_images": model.calibration_images,
        "calibrated": model.calibrated,
        "prior": prior,
        "default_prior": model.default_prior,
        "training_data": model.training_data,
        "license": model.license,
        "created_with": f"emorec {model.created_with}",
        "path": str(path),
        "size": path.stat().st_size,
        "sha256": sha256,
    }


def _text(value: object) -> str:
    """Format a value of a card as text."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {share:.1%}" for name, share in value.items())
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return "unknown" if value is None else str(value)


def _sha256(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", value):
        raise click.BadParameter(f"{value!r} is not a SHA-256: 64 hexadecimal digits")
    return value and value.lower()


@models.command(
    epilog="""\b
Examples:
  emorec models pull hf://owner/repo
  emorec models pull hf://owner/repo@v1.0/onnx/model.onnx
  emorec detect photo.jpg --model hf://owner/repo
"""
)
@click.argument("address")
@click.option(
    "--sha256",
    callback=_sha256,
    metavar="HEX",
    help="Expected SHA-256 of the file; another file is refused.",
)
@json_options
def pull(address: str, sha256: str | None, json_output: JsonOutput) -> None:
    """Download a model from the Hugging Face hub.

    ADDRESS is hf://OWNER/REPO[@REV][/FILE]: a repository of models, a branch, tag or commit of it,
    and the .onnx or .keras file in it, which can be omitted if there is only one. The size and the
    hash of the file are checked, and an interrupted download resumes. Options that take a model
    accept the same address then, without the network. The file is stored in the user's cache
    folder, or in the folder that the environment variable EMOREC_CACHE names. It needs the extra
    hub. The models of the package, such as yunet, need no download.
    """
    json_output.check()
    from emorec.cli.progress import byte_progress
    from emorec.models.hub import pull as pull_model
    from emorec.models.hub_address import HubAddress, is_hub_address

    if not is_hub_address(address):
        file = _bundled(address)
        if not json_output.write(_pulled(file, is_new=False)):
            click.echo(f"{address} is bundled with emorec, nothing to fetch: {file.path}")
        return
    try:
        parsed = HubAddress.parse(address)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with byte_progress(f"pulling {parsed}") as progress:
        file, is_new = pull_model(parsed, sha256, progress)
    if json_output.write(_pulled(file, is_new)):
        return
    size = file.path.stat().st_size
    what = f"pulled {file.name}" if is_new else f"{file.name} is up to date"
    click.echo(f"{what} ({size / 1e6:.2f} MB, SHA-256 {file.sha256})")
    click.echo(f"stored as {file.path}")


def _pulled(file: "ModelFile", is_new: bool) -> dict[str, Any]:
    """Describe a pulled or bundled file."""
    return {
        "name": file.name,
        "path": str(file.path),
        "size": file.path.stat().st_size,
        "sha256": file.sha256,
        "pulled": is_new,
    }


def _bundled(name: str) -> "ModelFile":
    """Return a model file of the package.

    Raises:
        click.UsageError: There is none of this name.
        ModelError: Its file is damaged.
    """
    from emorec.errors import ModelError
    from emorec.models.registry import shipped

    bundled = {file.name: file for file in shipped()}
    if name not in bundled:
        raise click.UsageError(
            f"{name!r:.200} is neither an address hf://OWNER/REPO nor one of the bundled models: "
            f"{', '.join(bundled)}"
        )
    file = bundled[name]
    problem = file.problem()
    if problem is not None:
        raise ModelError(f"{file.path}: {problem}; {file.fix}")
    return file
