"""A trial solution whose equation has parameters that are still to be found."""

import keras
from keras import ops

from ..equation.equation_checks import checked_rhs
from ..equation.plain_forces import with_given_force
from ..trial_solution.linearised_trial import LinearisedTrial
from ..trial_solution.row_jacobians import row_jacobians

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
    def nonlinear_variables(self):
        return [self.unknowns.raw]

    def nonlinear_columns(self, x, rows):
        """∂r/∂θ, `(num, dimension, Q)`."""
        t, state = rows.place.t, rows.state

        def rhs(raw):
            problem, _ = with_given_force(self.unknowns.problem(self.problem, raw), x)
            value = checked_rhs(problem.rhs(t, *state, ops=ops), state[0])
            return ops.broadcast_to(value, ops.shape(state[0]))

        raw = ops.tile(ops.reshape(self.unknowns.raw, (1, -1)), (ops.shape(t)[0], 1))
        return -row_jacobians(rhs, [raw])[1][0]

    def start_by_nonlinear(self, size, num_nonlinear):
        """∂(x_0, v_0)/∂θ, `(order · dimension, Q)`."""
        if num_nonlinear == 0:
            return super().start_by_nonlinear(size, num_nonlinear)

        def start(raw):
            state = self.unknowns.problem(self.problem, raw).initial_state()
            return tf.concat([tf.cast(y, raw.dtype) for y in state], axis=-1)

        raw = tf.identity(ops.reshape(self.unknowns.raw, (1, -1)))
        return row_jacobians(start, [raw])[1][0][0]

    def end_by_nonlinear(self, end, rate, num_nonlinear):
        """θ does not move the state at the end of a window, the readout given."""
        return ops.zeros((*end.shape[:2], num_nonlinear), self.compute_dtype)
