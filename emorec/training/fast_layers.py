"""Replaces some layers by faster operations of TensorFlow while a model trains on a CPU.

Keras normalises in several operations, each a pass over memory, and in float32 whatever the
precision of the model; a small convolutional network spends more time there than in its
convolutions. TensorFlow has one fused operation for it, which also reads and writes bfloat16.

The gradients of depthwise convolutions are fast on a CPU for kernels of 3, and in bfloat16 for
strides of 1; for others oneDNN has no fast code. Those are computed by means of the fast ones.
Without oneDNN, TensorFlow's own code for kernels of 5 is faster than that.

On a GPU nothing is replaced: XLA fuses the operations of the whole model there.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from emorec.modeling.classifier_parts import weighted_layers
from emorec.training.onednn import uses_onednn

_TYPES = ("float32", "bfloat16")


@contextmanager
def fast_layers(model: keras.Model) -> Iterator[int]:
    """Use the faster operations in a model within the context, on TensorFlow on a CPU.

    The layers stay those of Keras, with their names and weights, so saved models are not affected.
    The trained weights differ by rounding only.

    Args:
        model: The model; its functions compiled within the context use the faster operations.

    Yields:
        Number of layers with faster operations: norms over the channels of images, and depthwise
        convolutions with a kernel of 5 where oneDNN is on, or with strides in bfloat16.
    """
    calls = _calls(model) if trains_on_cpu() else []
    for layer, call in calls:
        layer.call = functools.partial(call, layer)
    try:
        yield len(calls)
    finally:
        for layer, _ in calls:
            del layer.call


def trains_on_cpu() -> bool:
    """Check whether the backend is TensorFlow on a CPU."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_physical_devices("GPU")


def _calls(model: keras.Model) -> list[tuple[Any, Callable[..., Any]]]:
    layers = weighted_layers(model)
    norms = [(layer, _normalized) for layer in layers if _is_norm(layer)]
    return norms + [(layer, _depthwise) for layer in layers if _is_slow_depthwise(layer)]


def _is_norm(layer: Any) -> bool:
    return (
        type(layer) is keras.layers.BatchNormalization
        and layer.compute_dtype in _TYPES
        and layer.input_spec.ndim == 4
        and layer.axis in (3, -1)
        and layer.center
        and not (layer.renorm or layer.synchronized)
    )


def _is_slow_depthwise(layer: Any) -> bool:
    return (
        type(layer) is keras.layers.DepthwiseConv2D
        and layer.compute_dtype in _TYPES
        and layer.data_format == "channels_last"
        and layer.depth_multiplier == 1
        and set(layer.dilation_rate) == {1}
        and len(set(layer.strides)) == 1
        and layer.kernel_size in ((3, 3), (5, 5))
        and (_is_wide(layer) or _is_slow_in_bfloat16(layer))
    )


def _is_wide(layer: Any) -> bool:
    return bool(layer.kernel_size == (5, 5)) and uses_onednn()


def _is_slow_in_bfloat16(layer: Any) -> bool:
    return bool(layer.strides[0] > 1 and layer.compute_dtype == "bfloat16")


def _normalized(norm: Any, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
    """Compute batch normalisation (Ioffe and Szegedy 2015), and update the moving statistics."""
    import tensorflow as tf

    updates = bool(training) and norm.trainable
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
        is_training=updates,
    )
    if updates:
        # The operation returns the unbiased estimate; Keras averages the biased one.
        count = tf.cast(tf.size(inputs) / tf.shape(inputs)[-1], variance.dtype)
        biased = normalized.batch_variance * (count - 1) / count
        momentum = norm.momentum
        norm.moving_mean.assign(mean * momentum + normalized.batch_mean * (1 - momentum))
        norm.moving_variance.assign(variance * momentum + biased * (1 - momentum))
    return normalized.y


def _depthwise(layer: Any, inputs: Any) -> Any:
    """Compute the depthwise convolution, with custom gradients."""
    import tensorflow as tf

    if None in inputs.shape[1:]:
        return type(layer).call(layer, inputs)
    (stride, _), (kernel, _), padding = layer.strides, layer.kernel_size, layer.padding.upper()
    options: dict[str, Any] = {"strides": [1, stride, stride, 1], "padding": padding}
    height, width, channels = inputs.shape[1:]

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def convolve(image: Any, weights: Any) -> Any:
        output = tf.raw_ops.DepthwiseConv2dNative(input=image, filter=weights, **options)
        rows, columns = output.shape[1:3]
        # Padding of "SAME" before and after; negative where "VALID" omits the last rows.
        vertical = _padding(height, rows, kernel, stride, padding)
        horizontal = _padding(width, columns, kernel, stride, padding)

        def gradient_of_image(gradient: Any) -> Any:
            if not _is_slow_in_bfloat16(layer):
                return tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
                    input_sizes=tf.shape(image), filter=weights, out_backprop=gradient, **options
                )
            # A convolution of the gradient, dilated by the stride, with the rotated kernel.
            gaps = [[0, 0], [0, 0], [0, stride - 1], [0, 0], [0, stride - 1], [0, 0]]
            dilated = tf.reshape(gradient, [-1, rows, 1, columns, 1, channels])
            image_gradient = tf.reshape(
                tf.pad(dilated, gaps), [-1, rows * stride, columns * stride, channels]
            )
            around = [
                (kernel - 1 - before, kernel - 1 - after - (stride - 1))
                for before, after in (vertical, horizontal)
            ]
            return tf.raw_ops.DepthwiseConv2dNative(
                input=_padded(image_gradient, *around),
                filter=tf.reverse(weights, [0, 1]),
                strides=[1, 1, 1, 1],
                padding="VALID",
            )

        def gradient_of_weights(gradient: Any) -> Any:
            if not _is_wide(layer):
                return tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
                    input=image, filter_sizes=tf.shape(weights), out_backprop=gradient, **options
                )
            whole = _padded(image, vertical, horizontal)
            down, across = ((number - 1) * stride + 3 for number in (rows, columns))

            def corner(top: int, left: int) -> Any:
                return tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
                    input=whole[:, top : top + down, left : left + across],
                    filter_sizes=[3, 3, channels, 1],
                    out_backprop=gradient,
                    strides=[1, stride, stride, 1],
                    padding="VALID",
                )

            # Four kernels of 3 cover one of 5; they share its middle row and column.
            upper, lower = (
                tf.concat([corner(top, 0), corner(top, 2)[:, 1:]], axis=1) for top in (0, 2)
            )
            return tf.concat([upper, lower[1:]], axis=0)

        return output, lambda gradient: (gradient_of_image(gradient), gradient_of_weights(gradient))

    output = convolve(
        ops.cast(inputs, layer.compute_dtype), ops.cast(layer.kernel, layer.compute_dtype)
    )
    if layer.use_bias:
        output = tf.nn.bias_add(output, ops.cast(layer.bias, layer.compute_dtype))
    return layer.activation(output)


def _padding(size: int, out: int, kernel: int, stride: int, padding: str) -> tuple[int, int]:
    """Compute the rows of padding before and after; omitted rows count negatively."""
    added = (out - 1) * stride + kernel - size
    before = max(added, 0) // 2 if padding == "SAME" else 0
    return before, added - before


def _padded(image: Any, vertical: tuple[int, int], horizontal: tuple[int, int]) -> Any:
    """Add rows and columns of 0, or remove the last ones."""
    import tensorflow as tf

    (top, bottom), (left, right) = vertical, horizontal
    added = [[0, 0], [top, max(bottom, 0)], [left, max(right, 0)], [0, 0]]
    height, width = image.shape[1:3]
    return tf.pad(image, added)[:, : height + top + bottom, : width + left + right]
