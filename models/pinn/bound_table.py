"""The error bound of a `PINN` as a function that a SavedModel can hold."""

import keras

from oscillator_zoo.data.forces.sorted_times import count_up_to

from ..trial_solution.domain import nan_where

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def bound_endpoint(table):
    """A function of times `(num, 1)` that gives bounds of |x̂ − x|, `(num, dimension)`, in m.

    The bound of the piece of the table in which a time lies; NaN outside the interval.

    Args:
        table: (times, bounds) of `PINN.error_bound_table`.
    """
    times, bounds = table  # as arrays: a graph keeps large tensors outside, where ONNX misses them

    def error_bound(t):
        piece = count_up_to(times, tf.reshape(t, (-1,)), keras.ops) - 1
        bound = tf.gather(bounds, tf.clip_by_value(piece, 0, len(bounds) - 1))
        return bound + nan_where(~((t >= times[0]) & (t <= times[-1])))

    return error_bound
