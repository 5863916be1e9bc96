"""What least-squares steps ask of a model: residuals, their Jacobian, and weights to move."""

import keras
import numpy as np

from .elimination import one_window
from .whole_batch_optimizer import ALL_WEIGHTS, PROJECTION, READOUT

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


class LeastSquaresSystem:
    """Residuals with some weights in which they are linear, the readout A, and nonlinear ones, q.

    `LevenbergMarquardt` knows a model by this alone. Subclasses have

    - `readout_variables` and `nonlinear_variables`, lists of variables,
    - `residuals(x, y, sample_weight)`, the vector r,
    - `linearise(x, y, sample_weight, readout_only)`, `Linearised`: r, ∂r/∂A and, unless only
      the readout is wanted, ∂r/∂q.

    The readout is one row of numbers for each window of time, `(W, C)`; W = 1 where a model has
    no windows.
    """

    num_windows = 1  # of time, each with a readout of its own
    is_linear_in_readout = True  # r itself, and not only the prediction in it

    @property
    def methods(self):
        """The kinds of steps that can be taken, as `METHODS` counts them; the first begins."""
        return (READOUT, PROJECTION, ALL_WEIGHTS) if self.readout_variables else (ALL_WEIGHTS,)

    @property
    def has_hidden_weights(self):
        """Whether there are weights to train beside the readout."""
        return len(self.nonlinear_variables) > 0

    def readout(self):
        """The readout as rows, `(W, C)`."""
        if not self.readout_variables:
            return tf.zeros((1, 0), self.nonlinear_variables[0].dtype)
        rows = [tf.reshape(variable, (1, -1)) for variable in self.readout_variables]
        return tf.concat(rows, axis=-1)

    def change_readout(self, change):
        """Add `(W, C)` to the readout."""
        _add_to(self.readout_variables, change[0])

    def set_readout(self, values):
        """Put back the readout: one tensor for each of its variables."""
        for variable, value in zip(self.readout_variables, values):
            variable.assign(value)

    def change_nonlinear(self, change):
        """Add `(Q,)` to the other weights, one after the other."""
        _add_to(self.nonlinear_variables, change)


def _add_to(variables, change):
    """Add the entries of `(C,)` to variables, one after the other."""
    sizes = [int(np.prod(variable.shape)) for variable in variables]
    for variable, part in zip(variables, tf.split(change, sizes) if sizes else []):
        variable.assign_add(tf.reshape(part, variable.shape))


class TapeSystem(LeastSquaresSystem):
    """Residuals of a `LeastSquaresModel` and their Jacobian by tape.

    Args:
        model: `LeastSquaresModel`.
    """

    def __init__(self, model):
        self.model = model

    @property
    def readout_variables(self):
        """The weights on which the prediction depends linearly: those of a linear last layer."""
        is_graph = hasattr(self.model, "outputs")
        return linear_readout(self.model.layers[-1]) if is_graph else []

    @property
    def nonlinear_variables(self):
        """The other trainable weights."""
        readout = {id(variable) for variable in self.readout_variables}
        return [v for v in self.model.trainable_variables if id(v) not in readout]

    def residuals(self, x, y=None, sample_weight=None):
        return self.model.residuals(x, y, sample_weight)

    def linearise(self, x, y=None, sample_weight=None, readout_only=False):
        """`Linearised` residuals of a batch.

        Args:
            x: inputs.
            y: targets.
            sample_weight: weights, or None.
            readout_only: whether to leave out the weights beside the readout.
        """
        readout = self.readout_variables
        weights = [*readout, *([] if readout_only else self.nonlinear_variables)]
        variables = [weight.value for weight in weights]
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(variables)
            residuals = self.model.residuals(x, y, sample_weight, training=True)
            residuals = tf.reshape(residuals, (-1,))
        jacobians = checked_jacobians(tape, residuals, variables)
        num = tf.shape(residuals)[0]
        blocks = [
            tf.reshape(part, (1, num, int(np.prod(variable.shape))))
            for part, variable in zip(jacobians, variables)
        ]
        empty = tf.zeros((1, num, 0), residuals.dtype)
        return one_window(
            residuals[None],
            tf.concat([empty, *blocks[: len(readout)]], axis=-1),
            tf.concat([empty, *blocks[len(readout) :]], axis=-1),
        )


def linear_readout(layer):
    """The trainable weights of a linear last layer, an empty list where it is not linear.

    Linear are a `Dense` layer without activation, and the output y = V h + c of a recurrent layer
    that is not fed back.

    Args:
        layer: a Keras layer.
    """
    linear = keras.activations.linear
    if isinstance(layer, keras.layers.Dense) and layer.activation is linear:
        return layer.trainable_variables
    cell = getattr(layer, "cell", layer)
    is_fed_back = getattr(cell, "feeds_back_output", False)
    if getattr(cell, "output_units", None) and cell.output_activation is linear and not is_fed_back:
        weights = [cell.output_kernel, cell.output_bias]
        return [weight for weight in weights if weight is not None and weight.trainable]
    return []


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
