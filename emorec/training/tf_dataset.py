"""Feeds batches to Keras's trainer of TensorFlow without its automatic tuning of data pipelines."""

from typing import Any

import keras

from emorec.training.batches import AugmentedBatches

_PREFETCHED = 2
"""Batches that are made ahead."""


def without_autotune(batches: AugmentedBatches) -> Any:
    """Return what `fit` takes as its training data: on TensorFlow the same batches as a dataset.

    Keras makes a dataset of batches too, but leaves its tuning on: a thread of TensorFlow (seen
    with 2.21) then tunes the pipeline in periods that double up to a minute, and at the end of an
    epoch the training sometimes waits for the end of a period. One generator has nothing to tune.

    Args:
        batches: Batches of the current epoch; the caller begins each epoch.
    """
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    signature = tuple(tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in batches[0])
    dataset = tf.data.Dataset.from_generator(
        lambda: (batches[index] for index in range(len(batches))), output_signature=signature
    )
    options = tf.data.Options()
    options.autotune.enabled = False
    counted = dataset.apply(tf.data.experimental.assert_cardinality(len(batches)))
    return counted.prefetch(_PREFETCHED).with_options(options)
