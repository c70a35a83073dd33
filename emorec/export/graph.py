"""Keras's exporters, run in this process on TensorFlow, and in a child on other backends.

The exporters need TensorFlow, and a process has one backend. A model of the JAX or PyTorch backend
is therefore saved as a .keras file, which a child process with TensorFlow exports.
"""

import contextlib
import importlib.util
import io
import logging
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import keras
import numpy as np

from emorec.errors import MissingDependencyError, ModelError
from emorec.installation import install_command, pip_command
from emorec.metadata import ModelMetadata
from emorec.modeling.build import with_probabilities
from emorec.modeling.keras_files import load_model, save_model

NEEDED = {
    "onnx": ("tensorflow", "tf2onnx"),
    "openvino": ("tensorflow", "openvino"),
    "litert": ("tensorflow",),
    "tf_saved_model": ("tensorflow",),
}
"""Packages that export each format of Keras."""

_NO_EXTRA = ("openvino",)
"""Packages that no extra of emorec installs."""


def write_graph(
    model: keras.Model, metadata: ModelMetadata, path: Path, export_format: str = "onnx"
) -> None:
    """Export a classifier, with the additional output probabilities.

    The file has no metadata yet.

    Args:
        model: Model of any backend; input float32, NHWC, 0..255; output logits.
        metadata: Metadata of the model; the temperature becomes part of the graph.
        path: File to write, or folder for "tf_saved_model"; "openvino" also writes the weights
            beside it.
        export_format: One of `NEEDED`.

    Raises:
        MissingDependencyError: TensorFlow or the exporter is not installed.
        ModelError: The exporter failed.
    """
    require_exporter(export_format)
    if keras.backend.backend() == "tensorflow":
        _export(model, metadata, path, export_format)
    else:
        _export_in_child(model, metadata, path, export_format)


def require_exporter(export_format: str) -> None:
    """Check that the packages are installed that export a format.

    OpenVINO's telemetry, which sends each import and conversion to a server, is turned off.

    Raises:
        MissingDependencyError: One is missing.
    """
    missing = [name for name in NEEDED[export_format] if importlib.util.find_spec(name) is None]
    if "openvino" in NEEDED[export_format]:
        # As if it were not installed, which OpenVINO allows for.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    if not missing:
        return
    plain = [name for name in missing if name in _NO_EXTRA]
    commands = [install_command("train")] * (missing != plain)
    commands += [f"{pip_command()} install {name}" for name in plain]
    what = "ONNX" if export_format == "onnx" else export_format
    raise MissingDependencyError(
        f"the {what} export needs {' and '.join(missing)}; install with: "
        f"{' && '.join(commands)}, then run emorec export; the .keras file is kept"
    )


def _export(model: keras.Model, metadata: ModelMetadata, path: Path, export_format: str) -> None:
    whole = with_probabilities(model, metadata.temperature)
    # Export needs a model that was called once.
    whole(np.zeros((1, *model.input_shape[1:]), np.float32))
    signature = [keras.InputSpec(shape=model.input_shape, dtype="float32", name="image")]
    # For MobileNetV3 an optimisation of tf2onnx fails on a scalar, is skipped, and logs a long
    # traceback; ONNX Runtime optimises the graph itself.
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    try:
        # The exporter warns about its own use of NumPy, and prints to standard output.
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            whole.export(str(path), format=export_format, input_signature=signature, verbose=False)
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelError(f"Keras could not export {metadata.name}: {reason:.200}") from error


def _export_in_child(
    model: keras.Model, metadata: ModelMetadata, path: Path, export_format: str
) -> None:
    # The GPU is in use by this process, and the exporter hardly computes.
    environment = {
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "model.keras"
        save_model(model, metadata, source)
        done = subprocess.run(
            [sys.executable, "-m", "emorec.export.graph", source, path, export_format],
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    if done.returncode:
        reason = next(iter(done.stderr.strip().splitlines()[-1:]), f"exit code {done.returncode}")
        raise ModelError(
            f"the TensorFlow process that exports to {export_format} failed: {reason:.300}"
        )


if __name__ == "__main__":
    write_graph(*load_model(Path(sys.argv[1])), Path(sys.argv[2]), *sys.argv[3:])
