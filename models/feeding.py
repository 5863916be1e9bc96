"""From arrays to batches without losing digits: `keras.Model.fit` rounds arrays to float32."""

import keras
import numpy as np


def is_array_like(x):
    """Whether `x` is an array, a list of numbers, a tensor, or a dictionary or tuple of these."""
    leaves = keras.tree.flatten(x)
    return any(leaf is not None for leaf in leaves) and all(
        leaf is None
        or isinstance(leaf, np.ndarray | np.generic | float | int)
        or keras.ops.is_tensor(leaf)
        for leaf in leaves
    )


def batches(x, y, sample_weight, batch_size, shuffle=False):
    """Arrays as a dataset of batches, in the precision they have.

    Args:
        x: inputs, an array or a structure of arrays with a common first axis.
        y: targets, or None.
        sample_weight: weights, or None.
        batch_size: samples in a batch.
        shuffle: whether to draw the samples in a new order in every epoch.

    Returns:
        `tf.data.Dataset` of x, (x, y) or (x, y, sample_weight).

    Raises:
        ValueError: if the first axes differ.
    """
    import tensorflow as tf

    if isinstance(x, list):
        x = np.asarray(x)
    data = keras.tree.map_structure(
        np.asarray, tuple(a for a in (x, y, sample_weight) if a is not None)
    )
    sizes = sorted({len(leaf) for leaf in keras.tree.flatten(data)})
    if len(sizes) > 1:
        raise ValueError(
            "Inputs, targets and weights must have the same number of samples. "
            f"Received the sizes {sizes}. Cut them to one size."
        )
    dataset = tf.data.Dataset.from_tensor_slices(data if len(data) > 1 else data[0])
    if shuffle:
        dataset = dataset.shuffle(sizes[0])
    return without_autotuning(dataset.batch(batch_size))


def split_off_last(arrays, fraction):
    """Training and validation arrays: the last samples validate, as in `keras.Model.fit`."""
    num_samples = len(next(leaf for leaf in keras.tree.flatten(arrays) if leaf is not None))
    num_training = round(num_samples * (1.0 - fraction))

    def part(which):
        return keras.tree.map_structure(lambda a: None if a is None else a[which], arrays)

    return part(slice(None, num_training)), part(slice(num_training, None))


def without_autotuning(dataset):
    """The same dataset with tf.data's autotuner off: `fit` can wait for it after a short run."""
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
