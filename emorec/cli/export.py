"""The command `emorec export`."""

import json
from pathlib import Path

import click

from emorec import resources
from emorec.errors import ConfigError


@click.command(
    epilog="""\b
Examples:
  emorec export runs/20260101-120000-compact
  emorec export model.keras --data FER-2013 --out model.onnx
"""
)
@click.argument("model")
@click.option(
    "--data",
    type=click.Path(readable=False, path_type=Path),
    help="Data set whose validation images are used for the comparison.  [default: the run's own]",
)
@click.option(
    "--out",
    type=click.Path(readable=False, path_type=Path),
    help="ONNX file to write.  [default: next to the model]",
)
@click.option("--half-weights", is_flag=True, help="Store the weights as float16: half the size.")
def export(model: str, data: Path | None, out: Path | None, half_weights: bool) -> None:
    """Export MODEL as ONNX.

    MODEL is a .keras file, a run folder or its unique beginning, or a name of `emorec models list`.
    The outputs of both models are compared on real faces and on noise; the ONNX file is written
    only if they agree.
    """
    from emorec.cli.keras_backend import load_keras
    from emorec.models.files import find_model

    source = find_model(model, ("keras",))
    if out is None and source.samefile(resources.shipped_keras_model()):
        raise click.UsageError("the shipped model stays as it is; name the ONNX file with --out")
    data = data or _data_of_run(source.parent)
    target = out or source.with_suffix(".onnx")
    from emorec.datasets.loading import load_images
    from emorec.datasets.manifest import read_prepared

    dataset = read_prepared(data)
    load_keras()
    from emorec.export.onnx import export_onnx
    from emorec.export.parity import FACES
    from emorec.modeling.keras_files import load_model

    keras_model, metadata = load_model(source)
    examples = dataset.examples("validation").limited(FACES)
    faces = load_images(examples.paths, metadata.input_size, metadata.color, metadata.interpolation)
    difference = export_onnx(keras_model, metadata, faces, target, half_weights=half_weights)
    click.echo(
        f"{target}: {target.stat().st_size / 2**20:.2f} MiB; the probabilities of Keras and ONNX "
        f"Runtime differ by at most {difference:.1e}, on {len(faces)} faces and noise"
    )


def _data_of_run(folder: Path) -> Path:
    """Return the data set that environment.json of a run folder names."""
    try:
        recorded = json.loads((folder / "environment.json").read_text("utf-8"))["data"]
    except (OSError, ValueError, KeyError, TypeError):
        recorded = None
    if not isinstance(recorded, str) or not Path(recorded).is_dir():
        raise ConfigError(
            f"{folder}: the data set of the run, needed to compare both models, is unknown or "
            "missing; name one with --data"
        )
    return Path(recorded)
