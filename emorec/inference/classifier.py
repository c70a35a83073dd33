"""Classifies face crops with a model file, in ONNX Runtime."""

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec import resources
from emorec.errors import EmorecError, ModelError
from emorec.image_arrays import check_image
from emorec.images import Image
from emorec.inference.base import Floats
from emorec.inference.devices import requested_device
from emorec.inference.mirroring import averages_mirror_images, mirrored
from emorec.metadata import COST_KEY, METADATA_KEY, ModelCost, ModelMetadata
from emorec.models.onnx_properties import read_properties
from emorec.preprocessing import to_input
from emorec.probabilities import adjustment_strength, prior_offsets, probabilities_from_logits
from emorec.types import Prediction

MAX_FILE_BYTES = 2**30
"""A larger model file is refused before it is read."""

BATCH_SIZE = 64
"""Crops that go through the model in one call, at most."""

_MAX_BATCH_VALUES = 2**27
"""Most values of the largest tensor of one call; models of large images get smaller batches."""

_LOG_ONLY_FATAL = 4


class EmotionClassifier:
    """A model file, checked and ready to run.

    Args:
        path: An ONNX file with emorec metadata: one input `image`, float32, shape (batch, size,
            size, channels), 0..255; outputs `logits` and `probabilities`, shape (batch, classes).
        threads: Threads that one call may use; 0 uses all cores. One is the fastest for a few
            faces.
        prior: How much of the training prior to remove, so that rare emotions are predicted more
            often: "natural" (nothing), "balanced" (all), or the strength tau of the logit
            adjustment, 0 to 2; None uses the model's own default.
        device: Where the model runs: "auto", "cpu", "cuda", "coreml", "directml", "openvino" or
            "tensorrt" (docs/devices.md); None uses that of the environment variable EMOREC_DEVICE,
            or "auto".
        flip: Average the logits of each crop and its mirror image, at twice the time.

    Attributes:
        metadata: The metadata of the model.
        cost: Parameters and multiply-adds; None where the file does not state them.
        tau: The strength of the logit adjustment that `prior` means.
        device: Name of the device in use; never "auto".
        flip: Whether mirror images are classified too. False, whatever was requested, for a model
            that contains this average.

    Raises:
        ConfigError: `prior` or `device` is not such a value, or this operating system has no such
            device.
        MissingDependencyError: The installed ONNX Runtime does not have the device, or cannot use
            it.
        ModelError: The file is missing, too large or not an ONNX model, has no or invalid metadata,
            other inputs or outputs, operators that are not allowed or need too much memory or
            time, stores its weights in other files, or lacks the prior.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        threads: int = 1,
        prior: str | float | None = None,
        device: str | None = None,
        flip: bool = False,
    ) -> None:
        self._source = os.fspath(path)
        # A copy in another process, or on another machine, runs where this one was to run.
        requested = requested_device(device)
        self._arguments = (Path(path).absolute(), threads, prior, requested, flip)
        data = _read(Path(path))
        self.metadata, self.cost = _described(data, self._source)
        self._batch_size = BATCH_SIZE
        # The shipped files are part of the package; a check would take 10 ms at every start.
        if Path(path).parent != resources.shipped_model().parent:
            from emorec.models.onnx_limits import check_graph

            size, channels = self.metadata.input_size, self.metadata.channels
            try:
                graph = check_graph(data, (1, size, size, channels))
            except ValueError as error:
                raise ModelError(f"{self._source}: the model is refused: {error}") from error
            self._batch_size = min(BATCH_SIZE, max(1, _MAX_BATCH_VALUES // graph.largest))
        # Imported here, where another thread may be busy with other imports meanwhile.
        from emorec.inference.onnx_runtime import onnxruntime, open_session

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _LOG_ONLY_FATAL  # errors are raised as exceptions
        # For a model read from bytes, ONNX Runtime searches external data in the current folder,
        # whatever that holds; below a file it finds nothing.
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", os.devnull
        )
        try:
            self._session, used = open_session(data, options, requested)
        except EmorecError:
            raise
        except Exception as error:  # ONNX Runtime's errors have no common base class
            raise self._error("ONNX Runtime cannot load the model", error) from error
        self.device = used.name
        self._lock = nullcontext() if used.thread_safe else Lock()
        self._check_tensors()
        self.flip = flip and not averages_mirror_images(self._run_logits, self.metadata)
        self.tau = adjustment_strength(prior, self.metadata, self._source)

    def classify(self, crops: Sequence[Image]) -> list[Prediction]:
        """Classify the emotion of each face crop.

        Args:
            crops: Face crops with the model's margin: uint8, BGR or grey, any size.

        Returns:
            One prediction per crop, over all labels of the model.

        Raises:
            TypeError: A crop is not a NumPy array.
            ValueError: A crop has another type or shape, or no pixels.
            ModelError: The model fails or returns numbers that are not finite.
        """
        return classify_crops(crops, self.metadata, self.probabilities)

    def probabilities(self, inputs: npt.NDArray[Any]) -> Floats:
        """Compute softmax(logits / temperature - tau * log(prior)).

        The last term is the logit adjustment of Menon et al., Long-Tail Learning via Logit
        Adjustment, ICLR 2021. With `flip`, the logits are means over mirror images.

        Args:
            inputs: Shape (n, size, size, channels), 0..255, in RGB order for colour models.

        Returns:
            Shape (n, classes), float32; each row sums to 1.

        Raises:
            ModelError: The model fails or returns numbers that are not finite.
        """
        if not self.tau and not self.flip:
            return self._run("probabilities", inputs)
        offsets = prior_offsets(self.metadata, self.tau)
        logits = self.logits(inputs)
        adjusted = probabilities_from_logits(logits, self.metadata.temperature, offsets)
        return adjusted.astype(np.float32)

    def logits(self, inputs: npt.NDArray[Any]) -> Floats:
        """Compute the logits, shape (n, classes), float32; arguments as for `probabilities`.

        With `flip`, they are the mean over the images and their mirror images.
        """
        if not self.flip:
            return self._run_logits(inputs)
        both = self._run_logits(inputs) + self._run_logits(mirrored(inputs))
        return both / np.float32(2)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the path and the arguments; the file is opened again."""
        return type(self), self._arguments

    def _run_logits(self, inputs: npt.NDArray[Any]) -> Floats:
        return self._run("logits", inputs)

    def _run(self, output: str, inputs: npt.NDArray[Any]) -> Floats:
        rows = np.empty((len(inputs), len(self.metadata.labels)), np.float32)
        for start in range(0, len(inputs), self._batch_size):
            batch = np.ascontiguousarray(inputs[start : start + self._batch_size], np.float32)
            try:
                with self._lock:
                    (batch_rows,) = self._session.run([output], {"image": batch})
            except Exception as error:  # as above
                raise self._error("the model failed on its input", error) from error
            expected = (len(batch), rows.shape[1])
            if batch_rows.shape != expected or not np.isfinite(batch_rows).all():
                raise ModelError(
                    f"{self._source}: the output {output!r} must be finite numbers of shape "
                    f"{expected}; received shape {batch_rows.shape}"
                )
            rows[start : start + len(batch)] = batch_rows
        return rows

    def _check_tensors(self) -> None:
        """Check the model's inputs and outputs against its metadata.

        Raises:
            ModelError: They do not match.
        """
        size, channels = self.metadata.input_size, self.metadata.channels
        classes = len(self.metadata.labels)
        inputs = {node.name: node for node in self._session.get_inputs()}
        outputs = {node.name: node for node in self._session.get_outputs()}
        expected = {"image": [size, size, channels]}
        if inputs.keys() != expected.keys():
            raise ModelError(
                f"{self._source}: the model must have one input 'image'; it has {sorted(inputs)}"
            )
        expected |= {"logits": [classes], "probabilities": [classes]}
        for name, shape in expected.items():
            node = (inputs | outputs).get(name)
            if node is None:
                raise ModelError(f"{self._source}: the model has no output {name!r}")
            # The size of the batch is dynamic: a name or None, never a number.
            dynamic = bool(node.shape) and not isinstance(node.shape[0], int)
            if node.type != "tensor(float)" or not dynamic or node.shape[1:] != shape:
                raise ModelError(
                    f"{self._source}: {name!r} must be tensor(float) of shape "
                    f"{['batch', *shape]} as its metadata says; it is {node.type} of shape "
                    f"{node.shape}"
                )

    def _error(self, what: str, error: Exception) -> ModelError:
        return ModelError(f"{self._source}: {what}: {' '.join(str(error).split())}")


def classify_crops(
    crops: Sequence[Image],
    metadata: ModelMetadata,
    probabilities: Callable[[npt.NDArray[Any]], Floats],
) -> list[Prediction]:
    """Convert face crops to inputs of a model and its probabilities to predictions.

    Args:
        crops: As for `EmotionClassifier.classify`.
        metadata: Metadata of the model.
        probabilities: As `EmotionClassifier.probabilities`.

    Raises:
        TypeError, ValueError: As for `EmotionClassifier.classify`.
    """
    size, color, interpolation = metadata.input_size, metadata.color, metadata.interpolation
    for crop in crops:
        check_image(crop, gray=True)
    inputs = [to_input(crop, size, color, interpolation) for crop in crops]
    shape = (len(inputs), size, size, metadata.channels)
    rows = probabilities(np.asarray(inputs, np.float32).reshape(shape)).tolist()
    return [Prediction(dict(zip(metadata.labels, row, strict=True))) for row in rows]


def _described(data: bytes, source: str) -> tuple[ModelMetadata, ModelCost | None]:
    """Parse the metadata of a model, and its cost if the file states it."""
    try:
        entries = read_properties(data, (METADATA_KEY, COST_KEY))
    except ValueError as error:
        raise ModelError(f"{source}: not an ONNX file, or a damaged one ({error})") from error
    if METADATA_KEY not in entries:
        raise ModelError(
            f"{source}: the model has no emorec metadata (labels, colour, input size); use a model "
            "that emorec wrote, export it with: emorec export, or describe it with: emorec models "
            "adopt"
        )
    cost = entries.get(COST_KEY)
    return (
        ModelMetadata.from_json(entries[METADATA_KEY], source),
        None if cost is None else ModelCost.from_json(cost, source),
    )


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise ModelError(f"{path}: no such model file")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ModelError(f"{path}: {size / 2**30:.1f} GiB; models up to 1 GiB are read")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from error
