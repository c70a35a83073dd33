"""Computes batch normalisation in one operation while a model trains.

Keras normalises step by step, each a pass over memory, and in float32 whatever the model computes
in; a small convolutional net spends more time there than in its convolutions. TensorFlow has one
operation for all of it, which also reads and writes bfloat16. On a GPU it is left alone: there XLA
joins the steps of the whole model.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops


@contextmanager
def fused_norms(model: keras.Model) -> Iterator[int]:
    """Let the norms of a model run fused, where the backend and their settings allow it.

    The layers stay those of Keras, with their names and weights, so what is saved knows nothing of
    it. What is trained differs by rounding alone.

    Args:
        model: The model; what it compiles inside the context uses the fused operation.

    Yields:
        How many norms are fused: those over the channels of images, on TensorFlow on a CPU.
    """
    norms = _norms_of(model) if keras.backend.backend() == "tensorflow" else []
    for norm in norms:
        norm.call = functools.partial(_call, norm)
    try:
        yield len(norms)
    finally:
        for norm in norms:
            del norm.call


def _norms_of(model: keras.Model) -> list[Any]:
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return []
    # Models lie within models, and only this method of Keras goes through all of them.
    return [layer for layer in model._flatten_layers() if _fits(layer)]


def _fits(layer: Any) -> bool:
    return (
        type(layer) is keras.layers.BatchNormalization
        and layer.compute_dtype in ("float32", "bfloat16")
        and layer.input_spec.ndim == 4
        and layer.axis in (3, -1)
        and layer.center
        and not (layer.renorm or layer.synchronized)
    )


def _call(norm: Any, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
    """Do what the norm does (Ioffe and Szegedy 2015), and keep its running statistics alike."""
    import tensorflow as tf

    learns = bool(training) and norm.trainable
    mean, variance = (
        ops.convert_to_tensor(value) for value in (norm.moving_mean, norm.moving_variance)
    )
    normalized = tf.raw_ops.FusedBatchNormV3(
        x=ops.cast(inputs, norm.compute_dtype),
        scale=ops.convert_to_tensor(norm.gamma) if norm.scale else tf.ones_like(mean),
        offset=ops.convert_to_tensor(norm.beta),
        mean=mean,
        variance=variance,
        epsilon=norm.epsilon,
        is_training=learns,
    )
    if learns:
        # It gives the unbiased estimate, Keras averages the biased one.
        count = tf.cast(tf.size(inputs) / tf.shape(inputs)[-1], variance.dtype)
        biased = normalized.batch_variance * (count - 1) / count
        momentum = norm.momentum
        norm.moving_mean.assign(mean * momentum + normalized.batch_mean * (1 - momentum))
        norm.moving_variance.assign(variance * momentum + biased * (1 - momentum))
    return normalized.y
