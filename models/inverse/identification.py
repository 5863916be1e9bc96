"""Inverse problems: parameters of an equation from measured positions."""

import keras
import numpy as np
from keras import ops

from ..equation.plain_forces import force_values, has_plain_force
from ..least_squares.elimination import eliminate, orthogonal_solver
from ..least_squares.estimates import estimates_at_minimum
from ..least_squares.least_squares_model import weighted
from ..least_squares.least_squares_steps import (
    MOST_DAMPING,
    StepResult,
    accept_or_undo,
    damped_step,
    solve_readout,
)
from ..least_squares.whole_batch_optimizer import ABOVE_NOISE, AT_BOUND, CONSTRAINED, CONVERGED
from .identifiability import check_identifiable
from .misfit_check import is_above_noise, names_at_bound, noise_in, warn_of_bound, warn_of_misfit

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

LONGEST_STEP = 2.0  # of θ = ln p: a step may change p by a factor of 7
# Fall of |ρ|² that a step promises, of |ρ|², at which the search ends: what is not worth another
# step after one that helped, and what rounding hides after one that did not.
NOT_WORTH_IT, HIDDEN_BY_ROUNDING = 1e-18, 1e-12
FAR_DOWN = 1e-6  # of its first guess: a parameter that goes to zero, as far as θ = ln p can


class Identification:
    """Least squares for the unknown parameters θ of a trial solution, its equation a constraint.

        minimise Σ_j |x̂(t_j; θ) − y_j|²   among the solutions of the equation

    The readout A obeys the equation for every θ, so that equation and data are not weighed against
    each other, which would bend the parameters towards a motion that the network can follow
    easily. `LevenbergMarquardt` takes `step`, its method "constrained least squares".

    Args:
        trial: `TrialOfUnknowns`.
        times: collocation times at which the equation is enforced, `(num, 1)`, in s.
    """

    methods = (CONSTRAINED,)
    has_hidden_weights = False

    def __init__(self, trial, times):
        self.trial, self.unknowns, self.times = trial, trial.unknowns, times
        self._at_bound = ()

    @property
    def readout_variables(self):
        return self.trial.readout_variables

    @property
    def nonlinear_variables(self):
        return self.trial.nonlinear_variables

    @property
    def points(self):
        """The points at which the equation is enforced, with a plain force's values if any."""
        problem, points = self.trial.problem, self.times
        if has_plain_force(problem):
            points = {"t": points, "force": force_values(problem, points)}
        return tf.nest.map_structure(
            lambda part: tf.constant(part, self.trial.compute_dtype), points
        )

    def position(self, times):
        """x̂(t_j), `(num, dimension)`, in m."""
        return self.trial.value(self.trial.place(times))

    def residuals(self, times, positions, sample_weight=None):
        """√w_j ρ_j,   ρ_j = x̂(t_j; θ) − y_j, `(num, dimension)`, in m where w = 1."""
        misfit = self.position(times) - ops.cast(positions, self.trial.compute_dtype)
        return misfit if sample_weight is None else weighted(misfit, sample_weight)

    def step(self, batch, damping, growth):
        """One damped step of θ towards the data.

            δθ = −[J; √λ I]⁺ [ρ; 0],   J = ∂x̂/∂θ + (∂x̂/∂A) dA/dθ,   dA/dθ = −B⁺ ∂r/∂θ

        Args:
            batch: times of the data `(num, 1)` in s, positions y `(num, dimension)` in m, and
                weights w `(num,)` of their squares, or None.
            damping: variable λ.
            growth: variable ν.

        Returns:
            `StepResult`, its residuals ρ.
        """
        trial, equation = self.trial, (self.points, None, None)
        solve_readout(trial, equation)
        changes, states = self.changes_with_unknowns()
        misfit = self.residuals(*batch)
        jacobian = self.sensitivity(batch[0], changes, states, batch[2])
        step, predicted = damped_step(jacobian, tf.reshape(misfit, (-1, 1)), damping)
        longest = tf.reduce_max(tf.abs(step) * np.reshape(self.unknowns.positive, (-1, 1)))
        step *= tf.where(longest > LONGEST_STEP, LONGEST_STEP / longest, tf.ones_like(longest))

        def move():
            trial.change_readout((changes @ step)[..., 0])
            trial.change_nonlinear(step[:, 0])
            solve_readout(trial, equation)
            return self.residuals(*batch)

        variables = [*self.readout_variables, *self.nonlinear_variables]
        after, falls = accept_or_undo(variables, misfit, move, predicted, damping, growth)
        size = tf.reduce_sum(misfit**2)
        least = [tf.constant(share, size.dtype) for share in (NOT_WORTH_IT, HIDDEN_BY_ROUNDING)]
        done = predicted <= tf.where(falls, *least) * size
        stuck = done | (tf.convert_to_tensor(damping) > MOST_DAMPING)
        return StepResult(after, tf.constant(True), stuck, tf.zeros((), after.dtype))

    def data_beside(self, misfit, residual):
        """Data and equation in one vector, for optimizers other than `LevenbergMarquardt`.

            mean square = mean_j ρ_j² + mean_i (r_i / ω^k)²

        with the mean rate ω of the motion and the order k of the equation.
        Such a sum bends the parameters towards a motion that the network can follow easily.

        Args:
            misfit: ρ, `(num, dimension)`, in m.
            residual: r at `points`, in the unit of the equation.
        """
        domain = self.trial.domain
        rate = domain.sketch().angle[-1] / domain.duration
        residual = residual / rate**self.trial.problem.order
        num = misfit.shape[0] + residual.shape[0]
        return ops.concatenate(
            [misfit * (num / misfit.shape[0]) ** 0.5, residual * (num / residual.shape[0]) ** 0.5],
            axis=0,
        )

    def found_values(self):
        """The present values of the unknown parameters by name, floats."""
        return {name: float(value[0]) for name, value in self.unknowns.values().items()}

    def estimates(self, times, positions, sample_weight=None):
        """`Estimate` of each unknown parameter by name; see `PINN.estimates`."""
        values, positive = self.found_values(), self.unknowns.positive
        misfit, jacobian = self.linear_misfit(times, positions, sample_weight)
        return estimates_at_minimum(values, positive, misfit.reshape(-1), jacobian)

    def linear_misfit(self, times, positions, sample_weight=None):
        """√w ρ `(num, dimension)` in order of time, and √w ∂x̂/∂p, of data whose weight is not 0."""
        order = np.argsort(np.reshape(times, -1), kind="stable")
        if sample_weight is not None:
            order = order[np.asarray(sample_weight)[order] > 0.0]
            sample_weight = tf.gather(sample_weight, order)
        times, positions = tf.gather(times, order), tf.gather(positions, order)
        misfit = np.asarray(self.residuals(times, positions, sample_weight))
        return misfit, self.jacobian(times, sample_weight)

    def verdict(self, times, positions, sample_weight=None):
        """Look at the smallest misfit: warn of what speaks against it, and say it in a word.

        Returns:
            `CONVERGED`, `ABOVE_NOISE` or `AT_BOUND`, as `LevenbergMarquardt` stores them.
        """
        misfit, jacobian = self.linear_misfit(times, positions, sample_weight)
        values, verdict = self.found_values(), CONVERGED
        positions = np.asarray(positions)
        if sample_weight is not None:  # residuals like those of data with a weight of 1
            weights = np.asarray(sample_weight)
            counts = weights > 0.0
            misfit, positions = misfit / np.sqrt(np.mean(weights[counts])), positions[counts]
        unit, scale = self.trial.problem.position_unit, np.sqrt(np.mean(positions**2))
        if is_above_noise(misfit, len(values), scale):
            warn_of_misfit(*noise_in(misfit, len(values)), unit)
            verdict = ABOVE_NOISE
        names = names_at_bound(values, self.unknowns.positive, misfit.reshape(-1), jacobian)
        if names:
            warn_of_bound(names, values)
            verdict = AT_BOUND
        self._at_bound = tuple(names)
        return verdict

    @property
    def at_bound(self):
        """Names of parameters that a fit left at their bound; of a loaded model, by their size."""
        unknowns = self.unknowns
        fell = np.asarray(unknowns.raw) - unknowns.start < np.log(FAR_DOWN)
        tiny = np.flatnonzero(fell & np.asarray(unknowns.positive))
        return self._at_bound or tuple(unknowns.names[i] for i in tiny)

    def jacobian(self, times, sample_weight=None):
        """√w ∂x̂(t_j)/∂p `(num · dimension, Q)`, an array, x̂ the solution for every p."""
        slopes = [
            p if is_positive else 1.0
            for p, is_positive in zip(self.found_values().values(), self.unknowns.positive)
        ]
        rows = self.sensitivity(times, *self.changes_with_unknowns(), sample_weight)
        return np.asarray(rows) / slopes

    def check_identifiable(self, times, positions, sample_weight=None):
        """Solve the equation for the first guess; raise unless all parameters move its solution."""
        solve_readout(self.trial, (self.points, None, None))
        changes = self.changes_with_unknowns()
        sensitivity = np.asarray(self.sensitivity(times, *changes, sample_weight))
        size = np.linalg.norm(positions)
        if sample_weight is not None:
            size = np.linalg.norm(weighted(positions, sample_weight))
        check_identifiable(self.unknowns.names, self.unknowns.positive, sensitivity, size)

    def changes_with_unknowns(self):
        """dA/dθ `(W, C, Q)` and d(x_w, v_w)/dθ `(W, K, Q)` where the network obeys the equation."""
        linear = self.trial.linearise(self.points)
        solved = eliminate(linear, orthogonal_solver(linear.by_readout))
        return solved.readout_changes[..., 1:], solved.start_changes[..., 1:]

    def sensitivity(self, times, changes, states, sample_weight=None):
        """J = √w ∂x̂(t_j)/∂θ `(num · dimension, Q)`, the readout and the window's start included."""
        trial, problem = self.trial, self.trial.problem
        place = trial.place(times)
        features = trial.network.features(place.tau)[0]
        features = ops.concatenate([features, ops.ones_like(features[:, :1])], axis=-1)
        window = ops.zeros(ops.shape(place.t)[0], "int32") if place.window is None else place.window
        dimension, num_unknowns = problem.dimension, changes.shape[-1]
        changes = ops.reshape(changes, (trial.num_windows, -1, dimension, num_unknowns))
        own = ops.einsum("nh,nhdq->ndq", features, tf.gather(changes, window))
        state = tf.gather(states, window)
        moved = state[:, :dimension]
        if problem.order == 2:
            moved = moved + state[:, dimension:] * place.elapsed[..., None]
        moved = moved + trial.h2_factor(place)[..., None] * own
        if sample_weight is not None:
            moved = weighted(moved, sample_weight)
        return ops.reshape(moved, (-1, num_unknowns))
