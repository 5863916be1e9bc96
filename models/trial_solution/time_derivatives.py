"""Derivatives of a function of time by TensorFlow's `GradientTape`."""

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def time_derivatives(function, t, order, dimension):
    """[x, x', x'', …] up to the given order, one `GradientTape` around the other.

    Reverse mode inside reverse mode: nested forward mode would give the same values, but wrong
    gradients with respect to weights inside `function`.

    Args:
        function: maps t to `(num, dimension)`, each row from its own time alone.
        t: tensor `(num, 1)`, in s.
        order: of the highest derivative.
        dimension: number of coordinates.

    Returns:
        List of `order + 1` tensors `(num, dimension)`, in m, m/s, m/s² …
    """
    if order == 0:
        return [function(t)]
    with tf.GradientTape(persistent=dimension > 1) as tape:
        tape.watch(t)
        lower = time_derivatives(function, t, order - 1, dimension)
        coordinates = tf.unstack(lower[-1], num=dimension, axis=-1)
    rates = [tape.gradient(x, t, unconnected_gradients="zero") for x in coordinates]
    return [*lower, tf.concat(rates, axis=-1)]
