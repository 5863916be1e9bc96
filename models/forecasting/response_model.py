"""A recurrent cell that turns force into motion, trained by least squares on its free run."""

import keras
import numpy as np
from keras import ops

from ..least_squares.estimates import estimates_at_minimum
from ..least_squares.least_squares_model import LeastSquaresModel, linearised_from_slopes
from .forward_sensitivities import ForwardSystem, forward_sensitivities, start_slopes

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


@keras.saving.register_keras_serializable("oscillator_zoo")
class ResponseModel(LeastSquaresModel):
    """The free run of a recurrent cell under a force, trained by least squares.

        r_n(P) = y_n(P) − measured y_n,   n = 1 … N,   with y_n fed back, never the measured one

    `LevenbergMarquardt` gets the Jacobian of the run from sensitivities that are carried forward
    in time, step by step beside the state, so that a record of 50,000 samples takes a fraction of
    a second a step. For cells with a small state: `DuffingCell`, `EulerCell`, an `ElmanCell` of
    ten units. Other optimizers work as in any `LeastSquaresModel`.

    A cell that says how to start from measured samples (`DuffingCell.state_after`) gets its first
    `num_known` positions as a second input; others start from their own initial state.

    With `LevenbergMarquardt` the loops in time are compiled by XLA, once for each length of the
    sequences, and what is around them by TensorFlow, whose QR is faster than XLA's on a CPU.
    `compile(jit_compile=True)` compiles all by XLA.

    Args:
        cell: Keras cell with one state tensor.
        num_features: number of features of the force.
        name: name of the model.
        **kwargs: as for `keras.Model`.

    Call arguments:
        force: `(batch, N, num_features)`, as the cell takes it.
        first_positions: y_0 … y_{k−1}, `(batch, k, 1)` with k = `cell.num_known`, only for a cell
            with `state_after`; then the argument is the tuple (force, first_positions).

    Returns:
        y_1 … y_N, `(batch, N, outputs)`; y_1 … y_{k−1} are those that were given.

    Raises:
        ValueError: as `LeastSquaresModel`, or for a cell with several state tensors.

    Example:
    >>> from oscillator_zoo.data import DampedOscillator, Sinusoid, simulate
    >>> from oscillator_zoo.models import EulerCell, LevenbergMarquardt
    >>> force = Sinusoid(1.0, angular_frequency=1.3)
    >>> motion = simulate(DampedOscillator(damping=0.5, force=force, position=0.0), 0.1, 400)
    >>> cell = EulerCell(0.1, damping_rate=0.1, squared_frequency=0.5, dtype="float64")
    >>> model = ResponseModel(cell)
    >>> model.compile(LevenbergMarquardt())
    >>> _ = model.fit(motion.force[:, :-1], motion.states[:, 1:], epochs=12, verbose=0)
    >>> print(f"{float(cell.damping_rate):.6f} 1/s, {float(cell.squared_frequency):.6f} 1/s²")
    0.500000 1/s, 1.000000 1/s²

    Reference:
        L. Ljung, System Identification, Prentice Hall 1999, chapter 10: output-error models.
    """

    def __init__(self, cell, num_features=1, name=None, **kwargs):
        size = getattr(cell, "state_size", None)
        if not isinstance(size, int):
            raise ValueError(
                f"{type(self).__name__} takes a cell with one state tensor. Received "
                f"{type(cell).__name__} with state_size={size!r}. Use keras.Model for others."
            )
        dtype = cell.dtype_policy
        layer = keras.layers.RNN(cell, return_sequences=True, dtype=dtype, name="free_run")
        force = keras.Input((None, num_features), dtype=cell.compute_dtype, name="force")
        inputs, known = force, getattr(cell, "num_known", 0)
        if known:
            first = keras.Input((known, 1), dtype=cell.compute_dtype, name="first_positions")
            inputs = [force, first]
            state = _StateAfter(cell)(force[:, : known - 1], first)
            outputs = ops.concatenate(
                [first[:, 1:], layer(force[:, known - 1 :], initial_state=state)], axis=1
            )
        else:
            outputs = layer(force)
        super().__init__(inputs=inputs, outputs=outputs, name=name, dtype=dtype, **kwargs)
        self.cell, self.num_features, self.num_known = cell, num_features, known
        self._jacobian = self._run = None

    def residuals(self, x, y, sample_weight=None, training=False):
        """As `LeastSquaresModel.residuals`, the run compiled by XLA with `LevenbergMarquardt`."""
        free_run = super().residuals
        if self.optimizer_is_ordinary or tf.executing_eagerly():
            return free_run(x, y, sample_weight, training)
        compiled = tf.function(free_run, jit_compile=True, autograph=False)
        return compiled(x, y, sample_weight, training)

    def least_squares_system(self):
        return ForwardSystem(self)

    def linearise(self, x, y=None, sample_weight=None):
        """`Linearised` residuals of a batch, with all weights among the nonlinear ones."""
        residuals = self.residuals(x, y, sample_weight, training=True)
        force, first = x if self.num_known else (x, None)
        force = ops.cast(force, self.cell.compute_dtype)
        weights, given = self.trainable_variables, max(self.num_known - 1, 0)
        start, slopes = start_slopes(lambda: self._start(force, first), weights)
        by_xla = not tf.executing_eagerly()
        slopes = forward_sensitivities(self.cell, force[:, given:], start, slopes, weights, by_xla)
        slopes = tf.pad(slopes, [[0, 0], [given, 0], [0, 0], [0, 0]])
        return linearised_from_slopes(residuals, slopes, sample_weight)

    def estimates(self, x, y, correlated=True):
        """The trained weights with standard errors and 95 % intervals.

            cov(P) = B / (B − 1) Σ_b m_b m_bᵀ,   m_b = (JᵀJ)⁻¹ Σ_{n in b} J_n r_n,   J = ∂r/∂P

        with B batches b of about √N successive numbers of r, so that neighbouring errors may be
        alike; to first order in the noise, at the smallest |r|. Noise in the measured positions
        makes the estimates of a free run no less true on average (Ljung, chapter 8), unlike those
        of one-step errors, where it is in the inputs too.

        Args:
            x: inputs that the model was trained on.
            y: their targets.
            correlated: False for errors that are known to be independent: (|r|² / (N − Q))(JᵀJ)⁻¹.

        Returns:
            Dictionary of `Estimate` (`value`, `standard_error`, `lower`, `upper`), by the name of
            the weight, for instance "damping_rate"; "kernel[0, 1]" for an entry of an array.

        Raises:
            ValueError: for no more numbers than weights.
        """
        residuals, jacobian = self.free_run_jacobian(x, y)
        values = {
            f"{weight.name}{list(index) if index else ''}": float(np.asarray(weight)[index])
            for weight in self.trainable_variables
            for index in np.ndindex(*weight.shape)
        }
        never = [False] * len(values)
        return estimates_at_minimum(values, never, residuals, jacobian, correlated=correlated)

    def free_run(self, x):
        """The model's output for all samples as an array of float64, compiled by XLA."""
        if self._run is None:  # one graph for all data of a shape
            self._run = tf.function(self.call, jit_compile=True, autograph=False)
        return np.asarray(self._run(tf.nest.map_structure(self._tensor, x)), np.float64)

    def _tensor(self, array):
        return tf.convert_to_tensor(np.asarray(array), self.cell.compute_dtype)

    def free_run_jacobian(self, x, y):
        """r, `(n,)`, and ∂r/∂P, `(n, num_weights)`, of all samples as arrays of float64."""
        x, y = (tf.nest.map_structure(tf.convert_to_tensor, part) for part in (x, y))
        if self._jacobian is None:  # one graph for all data of a shape
            self._jacobian = tf.function(lambda *xy: self.linearise(*xy)[:3])
        system = self._jacobian(x, y)
        residuals, _, jacobian = (np.asarray(part[0], np.float64) for part in system)
        return residuals, jacobian

    def _start(self, force, first):
        """The state before the free run, `(batch, K)`."""
        if self.num_known:
            first = ops.cast(first, self.cell.compute_dtype)
            return self.cell.state_after(force[:, : self.num_known - 1], first)
        state = self.cell.get_initial_state(ops.shape(force)[0])
        return state[0] if isinstance(state, list | tuple) else state

    def get_config(self):
        return {
            "cell": keras.saving.serialize_keras_object(self.cell),
            "num_features": self.num_features,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config):
        cell = keras.saving.deserialize_keras_object(config["cell"])
        return cls(**{**config, "cell": cell})


class _StateAfter(keras.Operation):
    """`cell.state_after` in a graph of layers; it may depend on the cell's weights."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def call(self, force, first):
        return self.cell.state_after(force, first)

    def compute_output_spec(self, force, first):
        return keras.KerasTensor((first.shape[0], self.cell.state_size), dtype=first.dtype)
