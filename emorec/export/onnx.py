"""Writes a Keras model as an ONNX file with emorec's metadata."""

import contextlib
import io
import tempfile
import warnings
from pathlib import Path

import keras
import numpy as np
import onnx

from emorec.errors import EmorecError, MissingDependencyError
from emorec.export.parity import check_parity
from emorec.files import write_bytes
from emorec.images import Image
from emorec.metadata import KEY, ModelMetadata
from emorec.modeling.build import with_probabilities


def export_onnx(model: keras.Model, metadata: ModelMetadata, faces: Image, target: Path) -> float:
    """Export a model, check that both agree, and only then write the file.

    Args:
        model: Input float32, NHWC, 0..255; output logits.
        metadata: Travels in the file; its temperature becomes part of the graph.
        faces: Images to compare on, shape (n, size, size, channels), uint8; noise is added.
        target: The .onnx file; it is written whole or not at all.

    Returns:
        The largest difference of a probability between Keras and ONNX Runtime.

    Raises:
        ModelError: Both disagree, or the logits are constant.
        MissingDependencyError: The exporter of the backend is not installed.
        DataError: The file cannot be written.
        EmorecError: The exporter failed.
    """
    if keras.backend.backend() != "tensorflow":
        raise MissingDependencyError(
            f"ONNX files are exported from the tensorflow backend; this is "
            f"{keras.backend.backend()!r}. The run is kept: set KERAS_BACKEND=tensorflow and use "
            "emorec export"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        _run_exporter(model, metadata, path)
        data = _with_metadata(path, metadata)
    difference = check_parity(model, metadata, data, faces)
    write_bytes(target, data)
    return difference


def _run_exporter(model: keras.Model, metadata: ModelMetadata, path: Path) -> None:
    whole = with_probabilities(model, metadata.temperature)
    # Export needs a model that was called once.
    whole(np.zeros((1, *model.input_shape[1:]), np.float32))
    signature = [keras.InputSpec(shape=model.input_shape, dtype="float32", name="image")]
    try:
        # The exporter warns about NumPy names of its own and prints to standard output.
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            whole.export(path, format="onnx", input_signature=signature, verbose=False)
    except ImportError as error:
        raise MissingDependencyError(
            f"the ONNX exporter is missing ({error}); install it with: pip install 'emorec[train]'"
        ) from error
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise EmorecError(f"Keras could not export {metadata.name}: {reason:.200}") from error


def _with_metadata(path: Path, metadata: ModelMetadata) -> bytes:
    graph = onnx.load(path)
    for tensor in (*graph.graph.input, *graph.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    graph.producer_name = "emorec"
    graph.producer_version = metadata.created_with
    onnx.helper.set_model_props(graph, {KEY: metadata.to_json()})
    onnx.checker.check_model(graph)
    serialized: bytes = graph.SerializeToString()
    return serialized
