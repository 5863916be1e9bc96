"""From arrays to batches without losing digits: `keras.Model.fit` rounds arrays to float32."""

import keras
import numpy as np

ALL = 2**31 - 1  # as a batch size


def is_array_like(x):
    """Whether `x` is an array, a list of numbers, a tensor, or a dictionary or tuple of these."""
    leaves = [leaf for leaf in keras.tree.flatten(x) if leaf is not None]
    return bool(leaves) and all(
        isinstance(leaf, float | int) or hasattr(leaf, "__array__") for leaf in leaves
    )


def check_inputs(method, x, *others):
    """Raise for nothing to work on, or dates, before Keras looks into it.

    Args:
        method: name of the method that was called.
        x: what it was given.
        *others: targets and weights.

    Raises:
        ValueError: for None, an empty list, dictionary or array, a dataset without batches or
            with batches of no rows, and for arrays of dates.
    """
    leaves = [leaf for leaf in keras.tree.flatten(x) if leaf is not None]
    empty = not leaves or any(np.shape(leaf)[:1] == (0,) for leaf in leaves if is_array_like(leaf))
    kind = "nothing" if x is None else f"an empty {type(x).__name__}"
    if hasattr(x, "cardinality"):
        empty, kind = int(x.cardinality()) == 0, "an empty dataset"
        specs = keras.tree.flatten(x.element_spec)
        if any(spec.shape.rank and spec.shape[0] == 0 for spec in specs):
            empty, kind = True, "a dataset with batches of 0 rows"
    if empty:
        raise ValueError(
            f"{method} needs inputs. Received {kind}. Pass at least one row, or a dataset with at "
            "least one batch."
        )
    for leaf in keras.tree.flatten((x, others)):
        dtype = getattr(leaf, "dtype", None)
        if isinstance(dtype, np.dtype) and dtype.kind in "mM":
            raise ValueError(
                f"{method} takes numbers. Received an array of {dtype}. Write seconds since the "
                "first date: (dates - dates[0]) / np.timedelta64(1, 's')."
            )


def as_arrays(x):
    """The same structure with NumPy arrays for leaves; a list of numbers becomes an array.

    Args:
        x: what `is_array_like` accepts.

    Returns:
        An array, or a dictionary or tuple of arrays (a list of arrays means several inputs).
    """
    if isinstance(x, list) and all(isinstance(n, float | int) for n in keras.tree.flatten(x)):
        return np.asarray(x)
    if isinstance(x, list | tuple):
        return tuple(as_arrays(part) for part in x)
    if isinstance(x, dict):
        return {name: as_arrays(part) for name, part in x.items()}
    return None if x is None else np.asarray(x)


def batches_of_arrays(x, y, sample_weight, batch_size, shuffle=False):
    """Arrays as a dataset of batches, in the precision they have.

    Args:
        x: inputs, an array or a structure of arrays with a common first axis.
        y: targets, or None.
        sample_weight: weights, or None.
        batch_size: samples in a batch, or `ALL`.
        shuffle: whether to draw the samples in a new order in every epoch.

    Returns:
        `tf.data.Dataset` of (x,), (x, y) or (x, y, sample_weight).

    Raises:
        ValueError: if the first axes differ, or for weights without targets.
    """
    import tensorflow as tf

    if y is None and sample_weight is not None:
        raise ValueError(
            "Weights belong to targets. Received: sample_weight without y. Call fit(x, y, …)."
        )
    data = as_arrays(tuple(part for part in (x, y, sample_weight) if part is not None))
    sizes = sorted({len(np.atleast_1d(leaf)) for leaf in keras.tree.flatten(data)})
    if len(sizes) > 1:
        raise ValueError(
            "Inputs, targets and weights must have the same number of samples. "
            f"Received the sizes {sizes}. Cut them to one size."
        )
    tensors = keras.tree.map_structure(tf.convert_to_tensor, data)
    if batch_size == ALL:  # one batch, of a shape that a graph can know
        return without_autotuning(tf.data.Dataset.from_tensors(tensors))
    order = tf.data.Dataset.range(sizes[0])
    if shuffle:
        order = order.shuffle(sizes[0])
    return without_autotuning(
        order.batch(batch_size).map(
            lambda rows: keras.tree.map_structure(lambda a: tf.gather(a, rows), tensors)
        )
    )


def split_off_last(arrays, fraction):
    """Training and validation arrays: the last samples validate, as in `keras.Model.fit`.

    Args:
        arrays: tuple (x, y, sample_weight), as `as_arrays` returns it.
        fraction: of the samples, for validation.

    Raises:
        ValueError: if no sample is left for training or for validation.
    """
    num_samples = len(keras.tree.flatten(arrays)[0])
    num_training = int(num_samples * (1.0 - fraction))
    if not 0 < num_training < num_samples:
        raise ValueError(
            "validation_split must leave samples for both training and validation. "
            f"Received validation_split={fraction} for {num_samples} samples. Pass more samples "
            "or a fraction between 0 and 1."
        )

    def part(which):
        return keras.tree.map_structure(lambda a: None if a is None else a[which], arrays)

    return part(slice(None, num_training)), part(slice(num_training, None))


def without_autotuning(dataset):
    """The same dataset with tf.data's autotuner off: `fit` can wait for it after a short run."""
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
