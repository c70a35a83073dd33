"""The command `emorec export`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emorec import resources
from emorec.cli.json_output import JsonOutput, json_options
from emorec.cli.overwriting import refuse_overwriting, require_file_path, require_suffix
from emorec.cli.parameters import Choice, OutputFolder, complete_models
from emorec.errors import ConfigError

if TYPE_CHECKING:
    from emorec.datasets.manifest import PreparedDataset

_FORMATS = ("onnx", "openvino", "litert", "tf_saved_model")
_CALIBRATION_IMAGES = 512


@click.command(
    epilog="""\b
Examples:
  emorec export runs/20260101-120000-compact
  emorec export model.keras --data FER-2013 --out exported
  emorec export emorec-compact --int8 --data FER-2013 --out-file small.onnx
  emorec export runs/20260101-120000-compact --format openvino
"""
)
@click.argument("model", shell_complete=complete_models)
@click.option(
    "--format",
    "export_format",
    type=Choice(_FORMATS),
    default="onnx",
    show_default=True,
    help="Format to write. Formats other than onnx are folders for other runtimes.",
)
@click.option(
    "--data",
    type=click.Path(readable=False, path_type=Path),
    help="Data set whose validation images are used for the comparison, and training images for "
    "--int8.  [default: the run's own]",
)
@click.option(
    "--out",
    "folder",
    metavar="FOLDER",
    type=OutputFolder("--out-file"),
    help="Folder of the exported files; a new one for formats other than onnx.  [default: next to "
    "the model]",
)
@click.option(
    "--out-file",
    metavar="FILE",
    type=click.Path(readable=False, path_type=Path),
    help="ONNX file to write, in place of --out.",
)
@click.option("--half-weights", is_flag=True, help="Store the weights as float16: half the size.")
@click.option(
    "--int8",
    is_flag=True,
    help="Quantise weights and activations to 8-bit integers, and report what that costs. MODEL "
    "may be an ONNX file.",
)
@click.option(
    "--calibration",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Calibrate --int8 on N training images.  [default: {_CALIBRATION_IMAGES}]",
)
@click.option(
    "--max-loss",
    type=click.FloatRange(min=0, max=100),
    metavar="POINTS",
    help="Write no --int8 model that loses more percentage points of accuracy.  [default: 1]",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Compare --int8 on at most N validation images.  [default: all]",
)
@json_options
def export(
    model: str,
    export_format: str,
    data: Path | None,
    folder: Path | None,
    out_file: Path | None,
    half_weights: bool,
    int8: bool,
    calibration: int | None,
    max_loss: float | None,
    limit: int | None,
    json_output: JsonOutput,
) -> None:
    """Export MODEL as ONNX, or for other runtimes.

    MODEL is a .keras file, a run folder or its unique beginning, or a name of `emorec models list`.
    The outputs of both models are compared on real faces and on noise; the export is written only
    if they agree. With --int8 the accuracies on the validation images are compared instead.
    """
    from emorec.models.files import find_model

    if int8 and (half_weights or export_format != "onnx"):
        raise click.UsageError("--int8 writes ONNX, without --half-weights; drop the other option")
    if half_weights and export_format != "onnx":
        raise click.UsageError("--half-weights needs --format onnx")
    given = {"--calibration": calibration, "--max-loss": max_loss, "--limit": limit}
    alone = [name for name, value in given.items() if value is not None]
    if alone and not int8:
        raise click.UsageError(f"{alone[0]} needs --int8")

    source = find_model(model, ("onnx", "keras") if int8 else ("keras",))
    own = (resources.shipped_model().parent, resources.cache_folder())
    is_own = any(source.resolve().is_relative_to(place.resolve()) for place in own)
    if is_own and folder is None and out_file is None:
        raise click.UsageError("emorec's own models stay as they are; name a folder with --out")
    target = _target(source, export_format, int8, folder, out_file)
    data = data or _data_of_run(source.parent)
    json_output.check(models=[source], files=[target], folders=[data])
    from emorec.datasets.manifest import read_prepared

    dataset = read_prepared(data)
    with _folder_made(target.parent):
        if int8:
            count, most = calibration or _CALIBRATION_IMAGES, 1.0 if max_loss is None else max_loss
            result, text = _export_int8(
                source, dataset, target, count=count, most_points=most, limit=limit
            )
        else:
            result, text = _export_keras(source, dataset, target, export_format, half_weights)
    if not json_output.write({"path": str(target), "format": export_format, **result}):
        click.echo(text)


def _export_keras(
    source: Path,
    dataset: "PreparedDataset",
    target: Path,
    export_format: str,
    half_weights: bool = False,
) -> tuple[dict[str, Any], str]:
    """Export a .keras file; returns how much the outputs differ, as values and as a line."""
    from emorec.cli.keras_backend import load_keras
    from emorec.cli.native_messages import native_messages_dropped
    from emorec.cli.progress import step_progress
    from emorec.datasets.loading import load_images

    with step_progress(4) as begin:
        begin("loading Keras")
        load_keras()
        from emorec.export.graph import require_exporter
        from emorec.export.model_folder import export_folder
        from emorec.export.onnx import export_onnx
        from emorec.export.parity import FACES
        from emorec.export.runtimes import RUNTIME_FORMATS
        from emorec.modeling.keras_files import load_model

        require_exporter(export_format)
        begin("loading the model and the images")
        keras_model, metadata = load_model(source)
        size, color, interpolation = metadata.input_size, metadata.color, metadata.interpolation
        examples = dataset.examples("validation").limited(FACES)
        faces = load_images(examples.paths, size, color, interpolation)
        begin(f"exporting to {export_format}")
        if export_format == "onnx":
            runtime, files = "ONNX Runtime", [target]
            difference = export_onnx(
                keras_model,
                metadata,
                faces,
                target,
                half_weights=half_weights,
                before_parity=lambda: begin("comparing Keras and ONNX"),
            )
        else:
            runtime = RUNTIME_FORMATS[export_format].runtime
            with native_messages_dropped():
                difference = export_folder(keras_model, metadata, faces, target, export_format)
            files = [path for path in target.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    values = {"bytes": size, "faces": len(faces), "largest_difference": float(difference)}
    return values, (
        f"{target}: {size / 2**20:.2f} MiB; the probabilities of Keras and {runtime} differ by at "
        f"most {difference:.1e}, on {len(faces)} faces and noise"
    )


def _export_int8(
    source: Path,
    dataset: "PreparedDataset",
    target: Path,
    *,
    count: int,
    most_points: float,
    limit: int | None,
) -> tuple[dict[str, Any], str]:
    """Quantise a model; returns what that costs, as values and as text."""
    import tempfile

    from emorec.atomic_files import write_bytes
    from emorec.cli.progress import image_progress, step_progress
    from emorec.cli.quantization_text import quantization_text, quantization_values
    from emorec.datasets.loading import load_images
    from emorec.evaluation.quantization_cost import measure_quantization
    from emorec.export.int8 import quantize
    from emorec.models.files import read_metadata

    with tempfile.TemporaryDirectory() as folder:
        if source.suffix == ".keras":
            plain = Path(folder) / "float32.onnx"
            _export_keras(source, dataset, plain, "onnx")
            source = plain
        metadata = read_metadata(source)
        examples = dataset.examples("train").limited(count)
        with step_progress(2) as begin:
            begin("loading the images")
            images = load_images(
                examples.paths, metadata.input_size, metadata.color, metadata.interpolation
            )
            begin("quantising")
            quantized = Path(folder) / "int8.onnx"
            quantized.write_bytes(quantize(source, images))
        with image_progress("Comparing") as progress:
            cost = measure_quantization(source, quantized, dataset, limit=limit, progress=progress)
        cost.check(most_points)
        write_bytes(target, quantized.read_bytes())
    title = f"{target}: calibrated on {len(images)} training images"
    values = {"calibration_images": len(images), **quantization_values(cost)}
    return values, f"{title}\n\n{quantization_text(cost)}"


def _default_target(source: Path, export_format: str, int8: bool) -> Path:
    """Return the path next to a model that an export gets by default."""
    if int8:
        return source.with_name(f"{source.stem}-int8.onnx")
    if export_format == "onnx":
        return source.with_suffix(".onnx")
    return source.with_name(f"{source.stem}-{export_format}")


def _target(
    source: Path, export_format: str, int8: bool, folder: Path | None, out_file: Path | None
) -> Path:
    """Return the file or folder to write.

    Raises:
        click.UsageError: It is not a new folder or a file of the right kind, or it is the model.
    """
    if folder is not None and out_file is not None:
        raise click.UsageError("--out and --out-file exclude each other")
    target = _default_target(source, export_format, int8)
    if export_format != "onnx":
        if out_file is not None:
            raise click.UsageError(f"--format {export_format} writes a folder; name it with --out")
        target = folder or target
        if target.exists():
            raise click.UsageError(f"{target} exists already; name a new folder with --out")
        if not target.parent.is_dir():
            raise click.UsageError(f"--out: {target.parent} is no folder; name one that exists")
        return target
    if folder is not None:
        if not folder.is_dir() and not folder.parent.is_dir():
            raise click.UsageError(f"--out: {folder.parent} is no folder; name one that exists")
        target = folder / target.name
    target = out_file or target
    if folder is None or folder.is_dir():
        require_file_path("--out-file", target)
    require_suffix("--out-file", target, (".onnx",))
    refuse_overwriting([target], [source], "name another folder with --out")
    return target


@contextmanager
def _folder_made(folder: Path) -> Iterator[None]:
    """Create a folder if it is missing; an error in the block removes it again."""
    is_new = not folder.exists()
    folder.mkdir(exist_ok=True)
    try:
        yield
    except BaseException:
        if is_new:
            with suppress(OSError):
                folder.rmdir()
        raise


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
