"""Export of a Keras model to a folder: the files of another runtime, and emorec's metadata."""

import tempfile
from pathlib import Path

import keras

from emorec.atomic_files import PARTIAL, replace_path
from emorec.errors import DataError
from emorec.export.graph import write_graph
from emorec.export.parity import compare_outputs
from emorec.export.runtimes import RUNTIME_FORMATS
from emorec.images import Image
from emorec.metadata import ModelMetadata

METADATA_FILE = "emorec.json"
"""The metadata in the exported folder, the same JSON text as in ONNX files."""


def export_folder(
    model: keras.Model, metadata: ModelMetadata, faces: Image, target: Path, export_format: str
) -> float:
    """Export a model, and write the folder if Keras and the runtime agree.

    Args:
        model: Model of any backend; input float32, NHWC, 0..255; output logits.
        metadata: Metadata to store beside the model; the temperature becomes part of the graph.
        faces: Images for the comparison, shape (n, size, size, channels), uint8; noise is added.
        target: The folder to create; it appears complete, or not at all.
        export_format: One of `emorec.export.runtimes.RUNTIME_FORMATS`.

    Returns:
        The largest difference of a probability between Keras and the runtime.

    Raises:
        ModelError: The exporter or the runtime failed, the outputs differ, or the logits are
            constant.
        MissingDependencyError: TensorFlow or the exporter is not installed.
        DataError: The folder exists, or cannot be written.
    """
    chosen = RUNTIME_FORMATS[export_format]
    try:
        with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=target.parent) as temporary:
            folder = Path(temporary) / "model"
            folder.mkdir()
            path = folder / chosen.file
            write_graph(model, metadata, path, export_format)
            run = chosen.open(path)
            difference = compare_outputs(model, metadata, run, faces, chosen.runtime)
            (folder / METADATA_FILE).write_text(metadata.to_json() + "\n", "utf-8")
            if target.exists():
                raise DataError(f"{target} exists already; name another folder with --out")
            del run  # Windows moves no folder with an open file
            replace_path(folder, target)
    except OSError as error:
        raise DataError(f"{target}: cannot write: {error.strerror or error}") from error
    return difference
