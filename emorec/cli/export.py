"""The command `emorec export`."""

import json
from pathlib import Path

import click

from emorec.errors import ConfigError, ModelError


@click.command(
    epilog="""\b
Examples:
  emorec export runs/20260101-120000-compact
  emorec export model.keras --data FER-2013 --out model.onnx
"""
)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Data set whose validation faces the check compares on.  [default: the run's own]",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The ONNX file.  [default: beside the model]"
)
@click.option("--half-weights", is_flag=True, help="Keep the weights in float16: half the size.")
def export(model: Path, data: Path | None, out: Path | None, half_weights: bool) -> None:
    """Export MODEL (a .keras file or a run folder) as ONNX.

    Both are compared on real faces and on noise; the file is written only if they agree.
    """
    from emorec.cli.keras_backend import load_keras

    source = model / "model.keras" if model.is_dir() else model
    if source.suffix != ".keras":
        raise ModelError(f"{source}: only .keras files and run folders can be exported")
    data = data or _data_of_run(source.parent)
    target = out or source.with_suffix(".onnx")
    load_keras()
    from emorec.datasets.loading import load_images
    from emorec.datasets.manifest import read_prepared
    from emorec.export.onnx import export_onnx
    from emorec.export.parity import FACES
    from emorec.modeling.saved import load_model

    keras_model, metadata = load_model(source)
    examples = read_prepared(data).examples("validation").limited(FACES)
    faces = load_images(examples.paths, metadata.input_size, metadata.color, metadata.interpolation)
    difference = export_onnx(keras_model, metadata, faces, target, half_weights)
    click.echo(
        f"{target}: {target.stat().st_size / 2**20:.2f} MiB; Keras and ONNX Runtime differ by "
        f"{difference:.1e} in a probability at most, on {len(faces)} faces and noise"
    )


def _data_of_run(folder: Path) -> Path:
    """Where the data set of a run is, as the run noted it."""
    try:
        noted = json.loads((folder / "environment.json").read_text("utf-8"))["data"]
    except (OSError, ValueError, KeyError, TypeError):
        noted = None
    if not isinstance(noted, str) or not Path(noted).is_dir():
        raise ConfigError(
            f"{folder}: no data set is known to compare both models on; name one with --data"
        )
    return Path(noted)
