"""`GradientTape.jacobian`, checked."""

import keras
import numpy as np

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


def checked_jacobians(tape, residuals, variables):
    """∂r/∂P by `tape.jacobian`, of which Jᵀr must be the tape's gradient of |r|²/2.

    `tape.jacobian` rewrites the operations of the backward pass for all residuals at once, and
    rewrites some of them wrongly: `tf.roll` along a negative axis, for one.

    Raises:
        tf.errors.InvalidArgumentError: where the two differ (not under XLA, which drops it).
    """
    zero = {"unconnected_gradients": "zero"}
    jacobians = tape.jacobian(residuals, variables, **zero)
    gradients = tape.gradient(residuals, variables, output_gradients=residuals, **zero)
    tolerance = residuals.dtype.as_numpy_dtype(np.finfo(residuals.dtype.as_numpy_dtype).eps ** 0.5)
    agree = [
        tf.reduce_all(
            tf.abs(tf.tensordot(residuals, jacobian, 1) - gradient)
            <= tolerance * tf.tensordot(tf.abs(residuals), tf.abs(jacobian), 1)
        )
        for jacobian, gradient in zip(jacobians, gradients)
    ]
    message = (
        "The Jacobian and the gradient of this model differ: GradientTape.jacobian does not know "
        "one of its operations. Write axes as positive numbers (ops.roll(x, 1, axis=1), not "
        "axis=-1), or train with another optimizer than LevenbergMarquardt."
    )
    finite = tf.reduce_all(tf.math.is_finite(residuals))
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(agree) | ~finite, [message])]):
        return [tf.identity(jacobian) for jacobian in jacobians]
