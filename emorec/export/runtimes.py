"""The formats that emorec exports to besides ONNX, and how each one's runtime runs a model."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emorec.errors import ModelError
from emorec.export.parity import RunModel
from emorec.inference.base import Floats

_LITERT = "ai_edge_litert"


@dataclass(frozen=True)
class ExportFormat:
    """A format of Keras's `model.export`.

    Attributes:
        name: Keras's name of the format.
        runtime: Name of the runtime, for messages.
        file: Name of the model file in the exported folder; "" if the folder is the model.
        load: Loads an exported model.
    """

    name: str
    runtime: str
    file: str
    load: Callable[[Path], RunModel]

    def open(self, path: Path) -> RunModel:
        """Load an exported model.

        Returns:
            A function that runs it; it raises `ModelError` if the runtime fails.

        Raises:
            ModelError: The runtime cannot load the model.
        """
        try:
            run = self.load(path)
        except Exception as error:  # the runtimes' errors have no common base class
            raise self._error("load", error) from error

        def guarded(images: Floats) -> tuple[Floats, Floats]:
            try:
                return run(images)
            except Exception as error:
                raise self._error("run", error) from error

        return guarded

    def _error(self, what: str, error: Exception) -> ModelError:
        reason = " ".join(str(error).split()) or type(error).__name__
        return ModelError(f"{self.runtime} cannot {what} the exported model: {reason:.300}")


def _load_openvino(path: Path) -> RunModel:
    import openvino

    # Processors with bfloat16 would compute in it, to two digits.
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", exact)

    def run(images: Floats) -> tuple[Floats, Floats]:
        found = compiled({"image": images})
        return found["logits"], found["probabilities"]

    return run


def _load_litert(path: Path) -> RunModel:
    if importlib.util.find_spec(_LITERT) is not None:
        from ai_edge_litert.interpreter import Interpreter
    else:
        # The copy inside TensorFlow, which the export needs anyway. `tensorflow.lite` is loaded
        # lazily, and an import of it can find the package without its names.
        from tensorflow.lite.python.interpreter import Interpreter

    runner = Interpreter(model_path=str(path)).get_signature_runner()

    def run(images: Floats) -> tuple[Floats, Floats]:
        found = runner(image=images)
        return found["logits"], found["probabilities"]

    return run


def _load_saved_model(path: Path) -> RunModel:
    import tensorflow

    loaded = tensorflow.saved_model.load(str(path))

    def run(images: Floats) -> tuple[Floats, Floats]:
        found = loaded.serve(images)
        return np.asarray(found["logits"]), np.asarray(found["probabilities"])

    return run


RUNTIME_FORMATS = {
    entry.name: entry
    for entry in (
        ExportFormat("openvino", "OpenVINO", "model.xml", _load_openvino),
        ExportFormat("litert", "LiteRT", "model.tflite", _load_litert),
        ExportFormat("tf_saved_model", "TensorFlow", "", _load_saved_model),
    )
}
