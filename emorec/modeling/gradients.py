"""Gradients of a Keras model's output by its input, on each backend."""

import keras
import numpy as np
import numpy.typing as npt


def output_gradients(
    model: keras.Model, inputs: npt.NDArray[np.float32], column: int
) -> npt.NDArray[np.float32]:
    """Compute the gradients of one output of a model by its inputs, in inference mode.

    Keras has no function for it that is the same on all backends.

    Args:
        model: A model whose output has the shape (n, columns); each row depends on its own input.
        inputs: Shape (n, ...).
        column: Index of the output.

    Returns:
        The gradients, of the shape of `inputs`.
    """
    backend = keras.backend.backend()
    if backend == "jax":
        gradients = _with_jax(model, inputs, column)
    elif backend == "torch":
        gradients = _with_torch(model, inputs, column)
    else:
        gradients = _with_tensorflow(model, inputs, column)
    return np.asarray(keras.ops.convert_to_numpy(gradients), np.float32)


def _with_tensorflow(
    model: keras.Model, inputs: npt.NDArray[np.float32], column: int
) -> "keras.KerasTensor":
    import tensorflow as tf

    tensor = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        output = model(tensor, training=False)[:, column]
    return tape.gradient(output, tensor)


def _with_jax(
    model: keras.Model, inputs: npt.NDArray[np.float32], column: int
) -> "keras.KerasTensor":
    import jax

    weights = [variable.value for variable in model.trainable_variables]
    others = [variable.value for variable in model.non_trainable_variables]

    def total(tensor: "keras.KerasTensor") -> "keras.KerasTensor":
        output, _ = model.stateless_call(weights, others, tensor, training=False)
        return output[:, column].sum()

    return jax.grad(total)(inputs)


def _with_torch(
    model: keras.Model, inputs: npt.NDArray[np.float32], column: int
) -> "keras.KerasTensor":
    import torch

    tensor = keras.ops.convert_to_tensor(inputs).requires_grad_(True)
    with torch.enable_grad():
        total = model(tensor, training=False)[:, column].sum()
        (gradients,) = torch.autograd.grad(total, tensor)
    return gradients
