"""Parity check: whether an exported model computes the same as its Keras model."""

from collections.abc import Callable

import keras
import numpy as np

from emorec.errors import ModelError
from emorec.images import Image
from emorec.inference.base import Floats
from emorec.inference.onnx_runtime import onnxruntime
from emorec.metadata import ModelMetadata
from emorec.modeling.build import with_probabilities

TOLERANCE = 1e-4
"""Differences of a probability must be smaller."""

HALF_TOLERANCE = 0.01
"""Tolerance for weights stored as float16, which has 11 significant bits."""

FACES = 256
"""Maximum number of faces to compare on."""

_NOISE_IMAGES = 16

RunModel = Callable[[Floats], tuple[Floats, Floats]]
"""Runs an exported model: from images, shape (n, size, size, channels), float32, 0..255, to logits
and probabilities, each of shape (n, classes)."""


def check_parity(
    model: keras.Model,
    metadata: ModelMetadata,
    onnx_bytes: bytes,
    faces: Image,
    tolerance: float = TOLERANCE,
) -> float:
    """Compare the probabilities of a Keras model and its ONNX export on faces and on noise.

    Args:
        model: Keras model whose output is logits.
        metadata: Metadata of the model; the temperature is applied to Keras's logits.
        onnx_bytes: The serialised ONNX model.
        faces: Shape (n, size, size, channels), uint8; `FACES` of them are enough.
        tolerance: Upper limit of the differences, exclusive.

    Returns:
        The largest difference of a probability.

    Raises:
        ModelError: A difference is `tolerance` or more, or the logits do not depend on the image.
    """
    session = onnxruntime.InferenceSession(onnx_bytes, providers=["CPUExecutionProvider"])

    def run(images: Floats) -> tuple[Floats, Floats]:
        logits, probabilities = session.run(["logits", "probabilities"], {"image": images})
        return logits, probabilities

    return compare_outputs(model, metadata, run, faces, "ONNX Runtime", tolerance)


def compare_outputs(
    model: keras.Model,
    metadata: ModelMetadata,
    run: RunModel,
    faces: Image,
    runtime: str,
    tolerance: float = TOLERANCE,
) -> float:
    """Compare the probabilities of a Keras model and of an export of it on faces and on noise.

    Args:
        model: Keras model whose output is logits.
        metadata: Metadata of the model; the temperature is applied to Keras's logits.
        run: Runs the exported model.
        faces: Shape (n, size, size, channels), uint8; `FACES` of them are enough.
        runtime: Name of what runs the exported model, for messages.
        tolerance: Upper limit of the differences, exclusive.

    Returns:
        The largest difference of a probability.

    Raises:
        ModelError: A difference is `tolerance` or more, or the logits do not depend on the image.
    """
    noise = np.random.default_rng(0).integers(
        0, 256, (_NOISE_IMAGES, *faces.shape[1:]), dtype=np.uint8
    )
    images = np.concatenate([faces, noise]).astype(np.float32)
    whole = with_probabilities(model, metadata.temperature)
    expected = np.asarray(whole.predict(images, verbose=0)["probabilities"])
    logits, probabilities = run(images)
    if not np.isfinite(logits).all() or float(np.ptp(logits, axis=0).max()) < 1e-6:
        raise ModelError(
            f"{metadata.name}: the logits are constant or not finite, so the model is untrained; "
            "it is not exported"
        )
    difference = float(np.abs(probabilities - expected).max())
    if not difference < tolerance:
        raise ModelError(
            f"{metadata.name}: the probabilities of Keras and {runtime} differ by "
            f"{difference:.2e} (limit {tolerance}); the exported model is not written"
        )
    return difference
