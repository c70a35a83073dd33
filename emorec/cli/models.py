"""The command `emorec models`: list, show and fetch model files."""

import json
from typing import TYPE_CHECKING, Any

import click

from emorec.cli.command_group import CommandGroup
from emorec.cli.terminal_text import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from emorec.models.registry import ModelFile

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@click.group(cls=CommandGroup, epilog="Example: emorec models list")
def models() -> None:
    """List, show and fetch the models that emorec uses."""


@models.command("list", epilog="Example: emorec models list --json")
@_JSON
def list_models(as_json: bool) -> None:
    """List the model files and their state.

    These are emotion models, face detectors and Haar cascades. The SHA-256 of each file is checked.
    """
    from emorec.models.registry import fetchable, shipped

    entries = [_entry(file) for file in (*shipped(), *fetchable().values())]
    if as_json:
        click.echo(json.dumps(entries, indent=2))
        return
    rows = [("name", "kind", "size", "state", "file")]
    for entry in entries:
        size = f"{entry['size'] / 1e6:.2f} MB"
        rows.append((entry["name"], entry["kind"], size, entry["state"], one_line(entry["path"])))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
    for entry in entries:
        if entry["fix"]:
            click.echo(f"{entry['name']}: {entry['state']}; {entry['fix']}")


def _entry(file: "ModelFile") -> dict[str, Any]:
    problem = file.problem()
    return {
        "name": file.name,
        "kind": file.kind,
        "path": str(file.path),
        "size": file.path.stat().st_size if file.path.is_file() else file.size,
        "sha256": file.sha256,
        "state": problem or "ok",
        "fix": file.fix if problem else None,
    }


@models.command(epilog="Examples: emorec models show; emorec models show runs/my-run/model.onnx")
@click.argument("model", metavar="[NAME|FILE|RUN]", required=False)
@_JSON
def show(model: str | None, as_json: bool) -> None:
    """Show the metadata of a model.

    They are labels, input, prior, training data, licence and others. NAME is a name of `emorec
    models list`, FILE a .onnx or .keras file written by emorec, RUN a run folder or its unique
    beginning. The default is the shipped model, which `detect` uses.
    """
    from emorec import resources
    from emorec.models.files import find_model
    from emorec.models.registry import EMOTIONS, TRAINABLE, fetchable, shipped

    files = {file.name: file for file in (*shipped(), *fetchable().values())}
    if model in files and files[model].kind not in (EMOTIONS, TRAINABLE):
        card = _file_card(files[model])
    else:
        card = _emotion_card(find_model(model or resources.shipped_model()))
    if as_json:
        click.echo(json.dumps(card, indent=2))  # ASCII: a path may hold bytes that are no text
        return
    for name, value in card.items():
        click.echo(f"{name.replace('_', ' '):<14} {one_line(_text(value))}")


def _file_card(file: "ModelFile") -> dict[str, Any]:
    """Describe a file without metadata."""
    card = {**_entry(file), "license": file.license, "url": file.url}
    return {name: value for name, value in card.items() if value}


def _emotion_card(path: "Path") -> dict[str, Any]:
    """Describe an emotion model by its metadata."""
    from emorec.models.files import read_cost, read_metadata
    from emorec.models.registry import hash_of

    model, cost = read_metadata(path), read_cost(path)
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
        "temperature": model.temperature,
        "prior": prior,
        "default_prior": model.default_prior,
        "training_data": model.training_data,
        "license": model.license,
        "created_with": f"emorec {model.created_with}",
        "path": str(path),
        "size": path.stat().st_size,
        "sha256": hash_of(path),
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


@models.command(epilog="Example: emorec models pull yunet")
@click.argument("name")
@click.option(
    "--from",
    "source",
    metavar="URL|FILE",
    help="Another URL, or a file that was downloaded elsewhere.",
)
def pull(name: str, source: str | None) -> None:
    """Fetch the model NAME and check its SHA-256.

    The models of this version are all part of the package: for these, the command says so and
    fetches nothing. Other files are stored in the user's cache folder, or in the folder that the
    environment variable EMOREC_CACHE names. Proxies in http_proxy and https_proxy are used.
    """
    from emorec.cli.progress import byte_progress
    from emorec.errors import ModelError
    from emorec.models.download import fetch
    from emorec.models.registry import fetchable, shipped

    bundled = {file.name: file for file in shipped()}
    if name in bundled:
        file = bundled[name]
        problem = file.problem()
        if problem is not None:
            raise ModelError(f"{file.path}: {problem}; {file.fix}")
        click.echo(f"{name} is bundled with emorec, nothing to fetch: {file.path}")
        return
    models = fetchable()
    if name not in models:
        known = ", ".join([*models, *bundled])
        raise click.UsageError(f"{name!r} cannot be fetched; known models: {known}")
    model = models[name]
    if source is None and model.problem() is None:
        click.echo(f"{model.path} is already up to date, with the right SHA-256")
        return
    with byte_progress(f"fetching {name}") as progress:
        fetch(model, source, progress)
    click.echo(f"wrote {model.path} ({model.size / 1e3:.0f} kB, SHA-256 checked)")
