"""A trial solution whose equation has parameters that are still to be found."""

import keras
from keras import ops

from ..equation.equation_checks import checked_rhs
from ..equation.plain_forces import with_given_force
from ..trial_solution.linearised_trial import LinearisedTrial

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf


class TrialOfUnknowns(LinearisedTrial):
    """A trial solution of the equation with the present values of its unknown parameters θ.

    Beside the readout, θ takes the place of the hidden weights in `linearise`:

        ∂r/∂θ = −∂rhs/∂θ at the same x and v,   and ∂(x_0, v_0)/∂θ where θ has an initial state

    Args:
        unknowns: `Unknowns`.
        *args: those of `TrialSolution`.
        **kwargs: those of `TrialSolution`.
    """

    start_moves = True

    def __init__(self, unknowns, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.unknowns = unknowns

    def problem_for(self, x):
        return self.unknowns.problem(self.problem)

    @property
    def other_variables(self):
        return [self.unknowns.raw]

    def other_columns(self, x, place, state, influences):
        """∂r/∂θ, `(num, dimension, Q)`."""
        num = ops.shape(place.t)[0]
        rows = ops.tile(ops.reshape(self.unknowns.raw, (1, -1)), (num, 1))
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(rows)
            problem, _ = with_given_force(self.unknowns.problem(self.problem, rows), x)
            rhs = checked_rhs(problem.rhs(place.t, *state, ops=ops), state[0])
            rhs = ops.broadcast_to(rhs, ops.shape(state[0]))
            coordinates = tf.unstack(rhs, num=self.problem.dimension, axis=-1)
        gradients = [tape.gradient(c, rows, unconnected_gradients="zero") for c in coordinates]
        return -tf.stack(gradients, axis=1)

    def start_by_others(self, size, num_others):
        """∂(x_0, v_0)/∂θ, `(order · dimension, Q)`."""
        if num_others == 0:
            return super().start_by_others(size, num_others)
        with tf.GradientTape(persistent=True) as tape:
            raw = tf.identity(ops.reshape(self.unknowns.raw, (1, -1)))
            tape.watch(raw)
            start = self.unknowns.problem(self.problem, raw).initial_state()
            numbers = tf.unstack(tf.concat([tf.cast(y, raw.dtype) for y in start], axis=-1)[0])
        gradients = [tape.gradient(c, raw, unconnected_gradients="zero") for c in numbers]
        return tf.concat(gradients, axis=0)

    def end_by_others(self, end, rate, num_others):
        """θ does not move the state at the end of a window, the readout given."""
        return ops.zeros((*end.shape[:2], num_others), self.compute_dtype)
