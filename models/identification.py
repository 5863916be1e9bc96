"""Inverse problems: parameters of an equation from measured positions."""

import functools
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from oscillator_zoo.data.checks import real_value

from .elimination import eliminate, orthogonal_solver
from .feeding import without_autotuning
from .force_data import has_plain_force
from .least_squares_steps import Step, accept_or_undo, damped_step, solve_readout
from .student import student_quantile

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

SMALLEST_SENSITIVITY = 1e-6  # relative; the solution itself is good to 1e-9 or better


class Estimate(NamedTuple):
    """A parameter found from data.

    | field            | content                                             |
    |------------------|-----------------------------------------------------|
    | `value`          | p̂, in the parameter's unit                          |
    | `standard_error` | its standard deviation over repeated measurements   |
    | `lower`, `upper` | ends of the 95 % confidence interval                |
    """

    value: float
    standard_error: float
    lower: float
    upper: float


def identification_step(model, times, positions, damping, growth):
    """One damped step of the unknown parameters θ towards the data.

        ρ_j = x̂(t_j; θ) − y_j,   δθ = −[J; √λ I]⁺ [ρ; 0],   J = ∂x̂/∂θ + (∂x̂/∂A) dA/dθ

    The readout A obeys the equation for every θ: dA/dθ = −B⁺ ∂r/∂θ. The equation is thus not
    weighed against the data, which would bend the parameters towards a motion that it can fit;
    it holds to the accuracy of the network, as a constraint.
    """
    points = (model.own_points(), None, None)
    solve_readout(model, points)
    system = model.linearise(*points)
    _, changes, states = eliminate(system, orthogonal_solver(system.readout))
    misfit = tf.reshape(model(times) - positions, (-1, 1))
    jacobian = model.sensitivity(times, changes[..., 1:], states[..., 1:])
    step, predicted = damped_step(jacobian, misfit, damping)

    def move():
        model.change_readout((changes[..., 1:] @ step)[..., 0])
        model.unknowns.raw.assign_add(step[:, 0])
        solve_readout(model, points)
        return model(times) - positions

    variables = [*model.readout_variables, model.unknowns.raw]
    before = tf.reshape(misfit, tf.shape(positions))
    after, falls = accept_or_undo(variables, before, move, predicted, damping, growth)
    small = tf.reduce_max(tf.abs(step)) < 1e-9
    done = small | (~falls & (predicted < 1e-12 * tf.reduce_sum(misfit**2)))
    return Step(after, tf.constant(True), done, tf.zeros((), after.dtype))


class Identification:
    """What a `PINN` with `unknown_parameters` can do besides; `unknowns` is None without any."""

    def own_points(self):
        """The collocation points at which the equation is enforced, `(num, 1)`, in s."""
        times = tf.constant(self.collocation_times(None), self.compute_dtype)
        return self.batch(times) if has_plain_force(self.problem) else times

    def data_batch(self, times, positions):
        """Times `(num, 1)` and positions `(num, dimension)` as float64 tensors, checked."""
        times = self.checked(times)
        positions = real_value("positions", np.asarray(positions), self.problem.position_unit)
        expected = (len(times), self.problem.dimension)
        if np.shape(positions) not in (expected, expected[:1]) or np.size(positions) != np.prod(
            expected
        ):
            raise ValueError(
                f"Positions must have the shape {expected} for {len(times)} times. "
                f"Received {np.shape(positions)}. Give one row for each time."
            )
        return tf.constant(times), tf.constant(np.reshape(positions, expected), tf.float64)

    def fit_data(self, times, positions=None, epochs=1, steps_per_epoch=100, **kwargs):
        """Find the unknown parameters from positions measured at `times`; all data in one batch."""
        if positions is None:
            raise ValueError(
                "Unknown parameters are found from data. Received no positions. "
                "Call fit(times, positions)."
            )
        times, positions = self.data_batch(times, positions)
        if not getattr(self.optimizer, "has_begun", True):
            self.check_identifiable(times, positions)
        batch = tf.data.Dataset.from_tensors((times, positions)).repeat(steps_per_epoch)
        return super().fit(without_autotuning(batch), epochs=epochs, **kwargs)

    def data_and_equation(self, times, positions):
        """Data and equation in one vector, for optimizers other than `LevenbergMarquardt`.

            mean square = mean_j ρ_j² + mean_i (r_i / ω²)²,   ω² = (radians in the interval / T)²

        Such a sum bends the parameters towards a motion that the network can follow easily;
        `LevenbergMarquardt` does not weigh the two against each other.
        """
        misfit = self(times) - ops.cast(positions, self.compute_dtype)
        residual = self.residuals(self.own_points()) / self.frequency**self.problem.order
        num = misfit.shape[0] + residual.shape[0]
        return ops.concatenate(
            [misfit * (num / misfit.shape[0]) ** 0.5, residual * (num / residual.shape[0]) ** 0.5],
            axis=0,
        )

    def sensitivity(self, times, changes, states):
        """∂x̂(t_j)/∂θ `(num · dimension, Q)`, the readout and the window's start included."""
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

    def estimates(self, times, positions):
        """The unknown parameters with their standard errors and 95 % intervals.

            σ̂² = |ρ|² / (n − Q),   cov(θ) = σ̂² (JᵀJ)⁻¹,   θ ± t_{0.975, n−Q} · se(θ)

        to first order in the noise, which must be independent from one sample to the next and of
        one size. A positive parameter p = e^θ has the standard error p · se(θ) and an interval
        that is not symmetric.

        Args:
            times: of the data, `(num,)` or `(num, 1)`, in s.
            positions: measured, `(num,)` or `(num, dimension)`, in m.

        Returns:
            Dictionary of `Estimate` by name.
        """
        times, positions = self.data_batch(times, positions)
        misfit, jacobian = (
            np.asarray(part) for part in self.misfit_and_sensitivity(times, positions)
        )
        freedom = len(misfit) - jacobian.shape[1]
        if freedom < 1:
            raise ValueError(
                f"{jacobian.shape[1]} parameters need more numbers than that to judge their "
                f"errors. Received {len(misfit)}. Measure more."
            )
        inverse = np.linalg.inv(np.linalg.qr(jacobian, mode="r"))
        errors = np.sqrt(np.sum(misfit**2) / freedom * np.sum(inverse**2, axis=1))
        reach = student_quantile(0.975, freedom) * errors
        unknowns, raw = self.unknowns, np.asarray(self.unknowns.raw)
        result = {}
        for k, (name, positive) in enumerate(zip(unknowns.names, unknowns.positive)):
            ends = raw[k] + reach[k] * np.array([0.0, -1.0, 1.0])
            value, lower, upper = np.exp(ends) if positive else ends
            slope = value if positive else 1.0
            result[name] = Estimate(*(float(v) for v in (value, slope * errors[k], lower, upper)))
        return result

    def misfit_and_sensitivity(self, times, positions):
        """ρ `(n,)` and J `(n, Q)` where the network obeys the equation for the present values."""
        system = self.linearise(self.own_points())
        _, changes, states = eliminate(system, orthogonal_solver(system.readout))
        jacobian = self.sensitivity(times, changes[..., 1:], states[..., 1:])
        return tf.reshape(self(times) - positions, (-1,)), jacobian

    @functools.cached_property
    def _solved(self):
        """`misfit_and_sensitivity` after the equation is solved, compiled."""

        def solve(times, positions):
            solve_readout(self, (self.own_points(), None, None))
            return self.misfit_and_sensitivity(times, positions)

        return tf.function(solve, autograph=False)

    def check_identifiable(self, times, positions):
        """Raise unless the data move differently with every unknown parameter.

        Raises:
            ValueError: if some combination of the parameters leaves the positions as they are.
        """
        jacobian = np.asarray(self._solved(times, positions)[1])
        names, size = self.unknowns.names, np.linalg.norm(jacobian, axis=0)
        unseen = [name for name, s in zip(names, size) if s <= SMALLEST_SENSITIVITY * size.max()]
        if unseen or len(jacobian) < len(names):
            raise ValueError(
                f"The data say nothing of {', '.join(unseen) or 'some parameters'}. Received "
                f"{len(jacobian)} numbers for {len(names)} unknown parameters. Leave them out of "
                "unknown_parameters or measure where they matter."
            )
        values, directions = np.linalg.svd(jacobian / size)[1:]
        if values[-1] <= SMALLEST_SENSITIVITY * values[0]:
            together = directions[-1] / size / np.abs(directions[-1] / size).max()
            part = [f"{n} ({w:+.2f})" for n, w in zip(names, together) if abs(w) > 1e-3]
            raise ValueError(
                "Unknown parameters must change the positions in different ways. Received "
                f"{', '.join(names)}: a change of {', '.join(part)} (in relative units where "
                "positive) leaves all positions as they are, as one of mass, damping and stiffness "
                "does without a force. Fix one of them."
            )
