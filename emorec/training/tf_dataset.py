"""Feeds batches to Keras's trainer of TensorFlow without its automatic tuning of data pipelines.

Keras makes a dataset of batches or arrays too, but leaves its tuning on: a thread of TensorFlow
(seen with 2.21) then tunes the pipeline in periods that double up to a minute, and where an epoch
or its validation begins, the training sometimes waits until such a period ends. One generator has
nothing to tune.
"""

from collections.abc import Callable
from typing import Any

import keras

from emorec.training.batches import AugmentedBatches

_PREFETCHED = 2
"""Batches that are made ahead."""


def training_dataset(batches: AugmentedBatches) -> Any:
    """Return what `fit` takes as its training data: on TensorFlow the same batches as a dataset.

    Args:
        batches: Batches of the current epoch; the caller begins each epoch.
    """
    if keras.backend.backend() != "tensorflow":
        return batches
    return _dataset(lambda index: batches[index], len(batches))


def validation_dataset(validation: Any, size: int) -> Any:
    """Return what `fit` takes as its validation data: on TensorFlow arrays as a dataset of batches.

    Args:
        validation: A pair of arrays of one length, inputs and targets, or a `PyDataset`.
        size: Rows of a batch.
    """
    if keras.backend.backend() != "tensorflow" or not isinstance(validation, tuple):
        return validation
    count = -(-len(validation[0]) // size)
    return _dataset(
        lambda index: tuple(array[index * size : (index + 1) * size] for array in validation), count
    )


def _dataset(batch: Callable[[int], tuple[Any, ...]], count: int) -> Any:
    """Return a dataset of a number of batches, each a tuple of arrays with equal types."""
    import tensorflow as tf

    signature = tuple(tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in batch(0))
    dataset = tf.data.Dataset.from_generator(
        lambda: (batch(index) for index in range(count)), output_signature=signature
    )
    options = tf.data.Options()
    options.autotune.enabled = False
    counted = dataset.apply(tf.data.experimental.assert_cardinality(count))
    return counted.prefetch(_PREFETCHED).with_options(options)
