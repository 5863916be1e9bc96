"""Inverse problems: parameters of an equation from measured positions."""

import keras
import numpy as np
from keras import ops

from oscillator_zoo.data.checks import real_value
from oscillator_zoo.data.trajectories.trajectory import Trajectory

from ..equation.plain_forces import has_plain_force
from ..least_squares.array_batches import without_autotuning
from ..least_squares.elimination import eliminate, orthogonal_solver
from ..least_squares.estimates import check_identifiable, estimates_at_minimum
from ..least_squares.least_squares_steps import (
    MOST_DAMPING,
    Step,
    accept_or_undo,
    damped_step,
    solve_readout,
)
from .method_bias import method_bias, warn_of_method_bias

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

LONGEST_STEP = 2.0  # of θ = ln p: a step may change p by a factor of 7
NO_UNKNOWNS = (
    "Parameters are estimated by a PINN that has unknown ones. Received: unknown_parameters=(). "
    "Construct it with unknown_parameters=('damping', …)."
)


def identification_step(model, times, positions, damping, growth):
    """One damped step of the unknown parameters θ towards the data.

        ρ_j = x̂(t_j; θ) − y_j,   δθ = −[J; √λ I]⁺ [ρ; 0],   J = ∂x̂/∂θ + (∂x̂/∂A) dA/dθ

    The readout A obeys the equation for every θ: dA/dθ = −B⁺ ∂r/∂θ. The equation is thus not
    weighed against the data, which would bend the parameters towards a motion that it can fit;
    it holds to the accuracy of the network, as a constraint.

    Args:
        model: `PINN` with unknown parameters.
        times: of the data, `(num, 1)`, in s.
        positions: y, `(num, dimension)`, in m.
        damping: variable λ.
        growth: variable ν.

    Returns:
        `Step`, its residuals ρ.
    """
    points = (model.own_points(), None, None)
    solve_readout(model, points)
    changes, states = model.changes_with_unknowns()
    misfit = model(times) - positions
    jacobian = model.sensitivity(times, changes, states)
    step, predicted = damped_step(jacobian, tf.reshape(misfit, (-1, 1)), damping)
    longest = tf.reduce_max(tf.abs(step) * np.reshape(model.unknowns.positive, (-1, 1)))
    step *= tf.where(longest > LONGEST_STEP, LONGEST_STEP / longest, tf.ones_like(longest))

    def move():
        model.change_readout((changes @ step)[..., 0])
        model.unknowns.raw.assign_add(step[:, 0])
        solve_readout(model, points)
        return model(times) - positions

    variables = [*model.readout_variables, model.unknowns.raw]
    after, falls = accept_or_undo(variables, misfit, move, predicted, damping, growth)
    # A fall of |ρ|² that is not worth a step, or that rounding hides.
    size = tf.reduce_sum(misfit**2)
    least = tf.where(falls, tf.constant(1e-18, size.dtype), tf.constant(1e-12, size.dtype))
    done = predicted <= least * size
    stuck = done | (tf.convert_to_tensor(damping) > MOST_DAMPING)
    return Step(after, tf.constant(True), stuck, tf.zeros((), after.dtype))


class Identification:
    """What a `PINN` with `unknown_parameters` can do besides; `unknowns` is None without any."""

    def found_problem(self):
        """The problem with the present values of the unknown parameters, as plain numbers."""
        if self.unknowns is None:
            return self.problem
        return self.problem.with_parameters(**self.found_values())

    def found_values(self):
        """The present values of the unknown parameters by name, floats."""
        return {name: float(value[0]) for name, value in self.unknowns.values().items()}

    def estimates(self, times, positions=None):
        """The unknown parameters with their standard errors and 95 % intervals.

            σ̂² = |ρ|² / (n − Q),   cov(p) = σ̂² (JᵀJ)⁻¹,   p̂ ± t_{0.975, n−Q} · se(p)

        to first order in the noise, which must be independent from one sample to the next and of
        one size. The interval of a parameter that cannot be negative ends at 0. It belongs to the
        smallest |ρ|, where `LevenbergMarquardt` ends; other optimizers end beside it.

        Args:
            times: of the data, `(num,)` or `(num, 1)`, in s; or a `Trajectory` of one motion.
            positions: measured, `(num,)` or `(num, dimension)`, in m; none beside a `Trajectory`.

        Returns:
            Dictionary of `Estimate` (`value`, `standard_error`, `lower`, `upper`) by name.

        Raises:
            ValueError: without unknown parameters, for data that do not fit the model, or for no
                more numbers than parameters.
        """
        if self.unknowns is None:
            raise ValueError(NO_UNKNOWNS)
        times, positions = self.data_batch(times, positions)
        misfit = np.reshape(self(times) - positions, -1)
        values, positive = self.found_values(), self.unknowns.positive
        return estimates_at_minimum(values, positive, misfit, self.jacobian(times))

    def jacobian(self, times):
        """∂x̂(t_j)/∂p `(num · dimension, Q)`, an array, x̂ the solution for every p."""
        slopes = [
            p if pos else 1.0
            for p, pos in zip(self.found_values().values(), self.unknowns.positive)
        ]
        return np.asarray(self.sensitivity(times, *self.changes_with_unknowns())) / slopes

    def fit_data(self, x, y=None, epochs=1, steps_per_epoch=100, **kwargs):
        """Find the unknown parameters from positions y measured at times x, all in one batch.

        A fit by `LevenbergMarquardt` that has come to its end begins anew at the first guess.
        """
        trajectory = x if isinstance(x, Trajectory) else None
        times, positions = self.data_batch(x, y)
        if getattr(self.optimizer, "stop_reason", None) is not None:
            self.optimizer.reset()  # it had finished, perhaps with other data
            self.unknowns.restart()
        if not getattr(self.optimizer, "has_begun", True):
            self.check_identifiable(times, positions)
        batch = tf.data.Dataset.from_tensors((times, positions)).repeat(steps_per_epoch)
        history = super().fit(without_autotuning(batch), epochs=epochs, **kwargs)
        if trajectory is not None and len(positions) > len(self.unknowns.names):
            bias = method_bias(self.found_problem(), trajectory, self.jacobian(times))
            warn_of_method_bias(trajectory, bias, self.estimates(times, positions))
        return history

    def data_batch(self, times, positions=None):
        """Times `(num, 1)` and positions `(num, dimension)` as float64 tensors, checked."""
        if isinstance(times, Trajectory):
            times, positions = _of_one_motion(times, self.problem.dimension)
        if positions is None:
            raise ValueError(
                "Unknown parameters are found from data. Received no positions. "
                "Call fit(times, positions), or fit(trajectory)."
            )
        times = self.checked(times)
        positions = real_value("positions", np.asarray(positions), self.problem.position_unit)
        expected = (len(times), self.problem.dimension)
        if np.shape(positions) not in (expected, (len(times),)) or np.size(positions) != np.prod(
            expected
        ):
            raise ValueError(
                f"Positions must have the shape {expected} for {len(times)} times. "
                f"Received {np.shape(positions)}. Give one row for each time."
            )
        positions = np.reshape(positions, expected)
        return tf.constant(times), tf.constant(positions, self.compute_dtype)

    def check_identifiable(self, times, positions):
        """Solve the equation for the first guess; raise unless all parameters move its solution."""
        solve_readout(self, (self.own_points(), None, None))
        sensitivity = np.asarray(self.sensitivity(times, *self.changes_with_unknowns()))
        size = np.linalg.norm(positions)
        check_identifiable(self.unknowns.names, self.unknowns.positive, sensitivity, size)

    def own_points(self):
        """The collocation points at which the equation is enforced, `(num, 1)`, in s."""
        times = self.collocation_times(None)
        points = self.batch(times) if has_plain_force(self.problem) else times
        return tf.nest.map_structure(lambda part: tf.constant(part, self.compute_dtype), points)

    def data_and_equation(self, times, positions):
        """Data and equation in one vector, for optimizers other than `LevenbergMarquardt`.

            mean square = mean_j ρ_j² + mean_i (r_i / ω^k)²,   ω = (radians in the interval) / T

        with the order k of the equation. Such a sum bends the parameters towards a motion that the
        network can follow easily; `LevenbergMarquardt` does not weigh the two against each other.
        """
        misfit = self(times) - ops.cast(positions, self.compute_dtype)
        residual = self.residuals(self.own_points()) / self.frequency**self.problem.order
        num = misfit.shape[0] + residual.shape[0]
        return ops.concatenate(
            [misfit * (num / misfit.shape[0]) ** 0.5, residual * (num / residual.shape[0]) ** 0.5],
            axis=0,
        )

    def changes_with_unknowns(self):
        """dA/dθ `(W, C, Q)` and d(x_w, v_w)/dθ `(W, K, Q)` where the network obeys the equation."""
        system = self.linearise(self.own_points())
        _, changes, states = eliminate(system, orthogonal_solver(system.readout))
        return changes[..., 1:], states[..., 1:]

    def sensitivity(self, times, changes, states):
        """J = ∂x̂(t_j)/∂θ `(num · dimension, Q)`, the readout and the window's start included."""
        place = self.place(times)
        h2 = self.h2_at(place)
        features = self.network.features(place.inputs)[0]
        features = ops.concatenate([features, ops.ones_like(features[:, :1])], axis=-1)
        window = ops.zeros(ops.shape(times)[0], "int32") if place.window is None else place.window
        dimension, num_unknowns = self.problem.dimension, changes.shape[-1]
        changes = ops.reshape(changes, (self.num_windows, -1, dimension, num_unknowns))
        own = ops.einsum("nh,nhdq->ndq", features, ops.take(changes, window, axis=0))
        state = ops.take(states, window, axis=0)
        moved = state[:, :dimension]
        if self.problem.order == 2:
            moved = moved + state[:, dimension:] * place.elapsed[..., None]
        return ops.reshape(moved + h2[..., None] * own, (-1, num_unknowns))


def _of_one_motion(trajectory, dimension):
    """Times and positions `(time, dimension)` of a `Trajectory`."""
    if len(trajectory) != 1:
        raise ValueError(
            f"Parameters are found from one motion. Received a Trajectory of {len(trajectory)}. "
            "Choose one, trajectory[0]."
        )
    return trajectory.times, trajectory.states[0, :, :dimension]
