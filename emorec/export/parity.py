"""Checks that an ONNX model answers as the Keras model it came from."""

import keras
import numpy as np
import onnxruntime

from emorec.errors import ModelError
from emorec.images import Image
from emorec.metadata import ModelMetadata
from emorec.modeling.build import with_probabilities

TOLERANCE = 1e-4
"""Largest difference of a probability that passes."""

HALF_TOLERANCE = 0.01
"""The same for weights kept in float16, which has 11 binary digits."""

FACES = 256
"""So many faces are worth comparing on, where there are as many."""

_NOISE_IMAGES = 16


def check_parity(
    model: keras.Model,
    metadata: ModelMetadata,
    onnx_bytes: bytes,
    faces: Image,
    tolerance: float = TOLERANCE,
) -> float:
    """Compare the probabilities of both models on faces and on noise.

    Args:
        model: Keras model of logits.
        metadata: Of the model; its temperature is applied to Keras's logits.
        onnx_bytes: The serialised ONNX model.
        faces: Shape (n, size, size, channels), uint8; `FACES` of them do.
        tolerance: Largest difference that passes.

    Returns:
        The largest difference of a probability.

    Raises:
        ModelError: A difference of `tolerance` or more, or logits that do not
            depend on the image.
    """
    noise = np.random.default_rng(0).integers(
        0, 256, (_NOISE_IMAGES, *faces.shape[1:]), dtype=np.uint8
    )
    images = np.concatenate([faces, noise]).astype(np.float32)
    whole = with_probabilities(model, metadata.temperature)
    expected = np.asarray(whole.predict(images, verbose=0)["probabilities"])
    session = onnxruntime.InferenceSession(onnx_bytes, providers=["CPUExecutionProvider"])
    logits, probabilities = session.run(["logits", "probabilities"], {"image": images})
    if not np.isfinite(logits).all() or float(np.ptp(logits, axis=0).max()) < 1e-6:
        raise ModelError(
            f"{metadata.name}: the logits are constant or not finite, so the model learned "
            "nothing; it is not exported"
        )
    difference = float(np.abs(probabilities - expected).max())
    if not difference < tolerance:
        raise ModelError(
            f"{metadata.name}: Keras and ONNX Runtime differ by {difference:.2e} in a probability "
            f"(at most {tolerance} passes); the ONNX file is not written"
        )
    return difference
