"""What least-squares steps ask of a model: residuals, their Jacobian, and weights to move."""

import keras
import numpy as np

from .stages import ALL_WEIGHTS, PROJECTION, READOUT

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


class Linearisation:
    """Residuals with some weights in which they are linear, the readout A, and nonlinear ones, q.

    `LevenbergMarquardt` knows a model by this alone. Subclasses have

    - `readout_variables` and `nonlinear_variables`, lists of variables,
    - `residuals(x, y, sample_weight)`, the vector r,
    - `linearise(x, y, sample_weight, readout_only)`, `Linearised`: r, ∂r/∂A and, unless only
      the readout is wanted, ∂r/∂q.

    The readout is one row of numbers for each window of time, `(W, C)`; W = 1 where a model has
    no windows.
    """

    is_linear_in_readout = True  # r itself, and not only the prediction in it

    @property
    def stages(self):
        """The kinds of steps that can be taken, the first of them to begin with."""
        return (READOUT, PROJECTION, ALL_WEIGHTS) if self.readout_variables else (ALL_WEIGHTS,)

    @property
    def has_hidden_weights(self):
        """Whether there are weights to train beside the readout."""
        return len(self.nonlinear_variables) > 0

    def readout(self):
        """The readout as rows, `(W, C)`."""
        rows = [tf.reshape(variable, (1, -1)) for variable in self.readout_variables]
        return (
            tf.concat(rows, axis=-1)
            if rows
            else tf.zeros((1, 0), self.nonlinear_variables[0].dtype)
        )

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
