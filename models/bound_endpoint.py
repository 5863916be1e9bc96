"""The error bound of a `PINN` as a function that a SavedModel can hold."""

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def bound_endpoint(table):
    """A function of times `(num, 1)` that gives bounds of |x̂ − x|, `(num, dimension)`, in m.

    The bound of the piece of the table in which a time lies; NaN outside the interval.

    Args:
        table: (times, bounds) of `PINN.error_bound_table`.
    """
    times, bounds = (tf.constant(a, "float64") for a in table)

    def error_bound(t):
        column = tf.reshape(t, (-1,))
        piece = tf.searchsorted(times, column, side="right") - 1
        bound = tf.gather(bounds, tf.clip_by_value(piece, 0, len(bounds) - 1))
        inside = (t >= times[0]) & (t <= times[-1])
        return tf.where(inside, bound, float("nan") * bound)

    return error_bound
