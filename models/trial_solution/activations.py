"""Activations that Keras does not have, and the derivatives of those that networks in time use."""

import keras
from keras import ops

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


@keras.saving.register_keras_serializable("oscillator_zoo")
def sin(x):
    """The sine, a natural activation for what oscillates: every unit is a wave."""
    return ops.sin(x)


def get_activation(identifier):
    """`keras.activations.get`, which also knows "sin" (and `keras.ops.sin`)."""
    return sin if identifier in ("sin", keras.ops.sin) else keras.activations.get(identifier)


def activation_derivatives(activation, z, order):
    """[f(z), f'(z), f''(z), …] up to the given order: closed forms for sin and tanh, else tapes.

    Args:
        activation: f, elementwise.
        z: tensor of any shape.
        order: of the highest derivative, at most 3.

    Returns:
        List of `order + 1` tensors of the shape of z.
    """
    if activation is sin:
        s, c = ops.sin(z), ops.cos(z)
        return [s, c, -s, -c][: order + 1]
    if activation is keras.activations.tanh:
        y = ops.tanh(z)
        slope = 1.0 - y * y
        curvature = -2.0 * y * slope
        return [y, slope, curvature, -2.0 * (slope * slope + y * curvature)][: order + 1]
    if order == 0:
        return [activation(z)]
    with tf.GradientTape() as tape:
        tape.watch(z)
        lower = activation_derivatives(activation, z, order - 1)
    return [*lower, tape.gradient(lower[-1], z, unconnected_gradients="zero")]
