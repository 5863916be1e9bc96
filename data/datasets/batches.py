"""What every dataset of this package shares: choice of columns, one cast, order, batches."""

import numpy as np

from ..checks import positive_integer
from .shuffling import shuffled_batches


def force_included(trajectory, include_force):
    """Whether F is among the inputs; None means: where the system has a force.

    A measurement has one where its force is not zero throughout.
    """
    if include_force is not None:
        return bool(include_force)
    if trajectory.problem is None:
        return bool(trajectory.force.any())
    force = trajectory.problem.force
    return any(one is not None for one in (force if isinstance(force, tuple) else (force,)))


def input_columns(trajectory, features, include_force):
    """The chosen features of the state, then the force: `(batch, time, columns)`."""
    only_force = features is not None and len(features) == 0
    columns = [] if only_force else [state_columns(trajectory, features)]
    if force_included(trajectory, include_force):
        columns.append(trajectory.force)
    if not columns:
        raise ValueError(
            "The inputs need at least one feature, or the force. Received: features=() of a "
            "system without force. Leave features out to use them all."
        )
    return np.concatenate(columns, axis=-1)


def state_columns(trajectory, names):
    """The named features of the state, None for all: `(batch, time, columns)`."""
    if names is None:
        return trajectory.states
    names = (names,) if isinstance(names, str) else tuple(names)
    if not names:
        raise ValueError(
            f"At least one of {', '.join(trajectory.feature_names)} is needed. Received: (). "
            "Leave the argument out to use them all."
        )
    return trajectory.states[:, :, [trajectory.feature_index(name) for name in names]]


def rows(columns, dtype):
    """`(batch, time, columns)` as rows `(batch·time, columns)` of `dtype`: the one cast.

    Raises:
        ValueError: for a dtype that is not a floating-point type, or values it cannot hold.
    """
    try:
        kind = np.dtype(dtype).kind
    except TypeError:
        kind = None
    if kind != "f":
        raise ValueError(
            "dtype must be a floating-point type such as 'float32' or 'float64'. "
            f"Received: {dtype!r}. Leave it out for float32."
        )
    with np.errstate(over="ignore"):
        cast = columns.astype(dtype)
    finite = np.isfinite(cast)
    if not finite.all():
        where = tuple(np.argwhere(~finite)[0])
        raise ValueError(
            f"The data must be finite in {np.dtype(dtype).name}. Received {columns[where]:g} in "
            f"trajectory {where[0]} at index {where[1]} of its times. Remove or rescale it first."
        )
    return cast.reshape(-1, columns.shape[-1])


def first_rows(num_trajectories, num_times, length, stride):
    """Row numbers at which pieces of `length` samples begin; no piece leaves its trajectory."""
    starts = np.arange(0, num_times - length + 1, stride)
    return (np.arange(num_trajectories)[:, None] * num_times + starts).reshape(-1)


def batches(indices, arrays, gather, batch_size, shuffle_seed):
    """A `tf.data.Dataset` of `gather(indices, *arrays)`, batch by batch, in order or shuffled.

    A seed alone decides the order, whatever TensorFlow's global seed is; each epoch has another.

    Args:
        indices: array whose first axis is divided into batches.
        arrays: what to gather from, kept in memory once.
        gather: function of tensors, run in the dataset's graph.
        batch_size: an integer ≥ 1; the last batch may be smaller.
        shuffle_seed: an integer ≥ 0, or None to keep the order.

    Returns:
        `tf.data.Dataset` of known cardinality.
    """
    batch_size = positive_integer("batch_size", batch_size)
    if shuffle_seed is not None:
        shuffle_seed = positive_integer("shuffle_seed", shuffle_seed, at_least=0)
    import tensorflow as tf

    with tf.device("CPU:0"):
        tensors = [tf.constant(array) for array in arrays]
        if shuffle_seed is None:
            dataset = tf.data.Dataset.from_tensor_slices(indices).batch(batch_size)
        else:
            dataset = shuffled_batches(tf.constant(indices), batch_size, shuffle_seed)
        gathered = tf.autograph.experimental.do_not_convert(lambda index: gather(index, *tensors))
        dataset = dataset.map(gathered).prefetch(2)
    options = tf.data.Options()
    options.autotune.enabled = False  # it would hold up short fits for seconds
    options.deterministic = True
    return dataset.with_options(options)
