"""Activations that keep the precision of their argument on every backend."""

import keras
from keras import ops


def full_precision(activation):
    """The activation with results in the dtype of its argument.

    `keras.activations.tanh` rounds float64 to float32 on JAX, whatever `JAX_ENABLE_X64` says:
    there JAX's own tanh takes its place.

    Args:
        activation: a function of one tensor.

    Returns:
        A function of one tensor.
    """
    if keras.backend.backend() == "jax" and activation is keras.activations.tanh:
        import jax

        activation = jax.numpy.tanh
    return lambda values: ops.cast(activation(values), values.dtype)
