"""What a trained PINN can be asked: how wrong it is, what it has found, one of its members."""

import warnings

import numpy as np

from ..error_bounds.error_bound import enclose_error, error_table
from ..error_bounds.error_estimate import NONLINEAR, estimate_error
from ..families.members import member_of
from ..inverse.measured_data import data_batch
from ..least_squares.whole_batch_optimizer import AT_BOUND, STOP_REASONS
from ..nonlinear_bounds.nonlinear_bound import kind_of_series
from .interval_model import IntervalModel

NO_UNKNOWNS = (
    "Parameters are estimated by a PINN that has unknown ones. Received: unknown_parameters=(). "
    "Construct it with unknown_parameters=('damping', …)."
)


def _not_linear(estimate):
    return (
        "The equation of the error may be linearised about x̂ where the terms that are left out "
        f"change the error by less than {NONLINEAR:.0%}. Received a solution for which they change "
        f"it by {100.0 * estimate.nonlinearity:.3g}%. Train it further, or use error_bound(t), "
        "which leaves nothing out."
    )


class Answers(IntervalModel):
    """The questions that a `PINN` answers once it is trained, each by the room that knows.

    It has no state of its own.
    """

    def error_bound(self, t):
        """Proven bounds of |x̂ − x| and |x̂' − x'|, without a sign.

        (`error_estimate` has the errors x̂ − x and x̂' − x' themselves, with their signs.)

        The error is the residual's response, E, computed with its sign, plus what the
        computation of E, and rounding, can have missed:

            |x̂(t) − x(t)| ≤ |E(t)| + radius(t)

        A nonlinear problem's E is found by Newton's method, from its own `rhs`, and the radius
        has its curvature in it. That closes where x̂ is near enough to x for Newton's method.

        x is the exact solution for the problem's numbers as they are in float64, x̂ the value
        that the model returns, rounding included. The bound is hardly larger than the error,
        where that is larger than what rounding can do at the worst. It takes for granted that
        float64 operations are rounded correctly, and elementary functions to a few units in the
        last place. The proof stands in `oscillator_zoo.models.error_bounds`, that for nonlinear
        problems in `oscillator_zoo.models.nonlinear_bounds`.

        Args:
            t: times, `(num,)` or `(num, 1)`, in s.

        Returns:
            Tuple of arrays `(num, dimension)`: bounds of |x̂ − x| in m and of |x̂' − x'| in m/s.
            The proof ends at t0 + T: a time after it by rounding, as a stepper's N·Δt may be,
            has an infinite one.

        Raises:
            ValueError: for times outside the interval, and where there is no proof: a nonlinear
                problem whose solution is too far from the true one (it says in which window, and
                by what factor) or whose `rhs` has other operations than sums, products, quotients,
                powers, sin, cos, tan, exp, log, sqrt, sinh, cosh, tanh, arctan, `where` of t and
                `abs` of what keeps its sign (it names the operation), or has no two derivatives at
                the motion (it says when, and at which state); an `rhs` that is not as
                simple as its mark `@linear` says, forces that are plain functions, activations
                other than "sin", "tanh" and "swish", h1 or h2, float32, weights that are NaN or
                infinite, methods or layers that are not those of `PINN`.
                `error_estimate` takes all of them. Also for a motion that turns by more than about
                120 000 rad.

        Example:
        >>> from oscillator_zoo.data import DampedOscillator
        >>> from oscillator_zoo.models import PINN
        >>> problem = DampedOscillator(damping=0.2)
        >>> pinn = PINN(problem, duration=5.0, hidden_units=(8,), seed=1)
        >>> t = np.linspace(0.0, 5.0, 101)
        >>> bound, _ = pinn.error_bound(t)
        >>> error = np.abs(pinn(t) - problem.exact(t)[0])
        >>> bool((error <= bound).all()), bool((bound <= error + 1e-9).all())
        (True, True)
        """
        times = self._times_of_one_problem(t)
        return enclose_error(self, times, kind_of_series(self.problem)).bounds()

    def error_estimate(self, t):
        """An estimate of x̂ − x and x̂' − x', with their signs, for any problem.

        (`error_bound` bounds their magnitudes, without a sign.)

        It solves the equation of the error, linearised about x̂, which leaves out terms of the
        order of the error's square: an estimate, not a bound. Where these terms are as large as the
        error itself it warns.

        Args:
            t: times, `(num,)` or `(num, 1)`, in s.

        Returns:
            Tuple of arrays `(num, dimension)`: x̂ − x in m and x̂' − x' in m/s.

        Raises:
            ValueError: for times outside the interval, or a motion that turns by more than about
                120 000 rad.
        """
        estimate = estimate_error(self, self._times_of_one_problem(t))
        if not estimate.is_valid:
            warnings.warn(_not_linear(estimate), stacklevel=2)
        return estimate.error, estimate.rate_error

    def defect_correction(self, t):
        """The solution freed of its estimated error, x̂ − e: often twice as many digits.

        Args:
            t: times, `(num,)` or `(num, 1)`, in s.

        Returns:
            Tuple of arrays `(num, dimension)`: position in m and velocity in m/s.

        Raises:
            ValueError: for times outside the interval, and where the error is so large that its
                equation may not be linearised.

        Example:
        >>> from oscillator_zoo.data import DampedOscillator
        >>> from oscillator_zoo.models import PINN
        >>> pinn = PINN(DampedOscillator(), duration=5.0, hidden_units=(8,), seed=1)  # untrained
        >>> x, v = pinn.defect_correction([np.pi])
        >>> bool(abs(x[0, 0] + 1.0) < 1e-10)
        True
        """
        times = self._times_of_one_problem(t)
        estimate = estimate_error(self, times)
        if not estimate.is_valid:
            raise ValueError(_not_linear(estimate))
        motion = (np.asarray(y, np.float64) for y in self.derivatives(times)[:2])
        return tuple(y - e for y, e in zip(motion, estimate[:2]))

    def error_bound_table(self):
        """Bounds of |x̂ − x| that hold everywhere between the times of a grid, for `export`.

        Returns:
            Tuple (times, bounds), `(num + 1,)` in s and `(num, dimension)` in m; None where
            `error_bound` has no proof.
        """
        try:
            self._check_one_problem()
            return error_table(self, kind_of_series(self.problem))
        except ValueError:
            return None

    def member(self, **parameters):
        """The solution for one value of each parameter, as a `PINN` of its own.

        It has the same hidden weights and the readout that the family has there, so it gives the
        same numbers, and all that belongs to a single solution: error bars, pictures, tables.

        Args:
            **parameters: a number for each name of `parameter_ranges`.

        Raises:
            ValueError: for a model without `parameter_ranges`, missing or unknown names, arrays,
                or values outside the box.

        Example:
        >>> from oscillator_zoo.data import DampedOscillator
        >>> from oscillator_zoo.models import PINN, LevenbergMarquardt
        >>> family = PINN(DampedOscillator(), 5.0, parameter_ranges={"damping": (0.1, 0.3)}, seed=1)
        >>> family.compile(LevenbergMarquardt())
        >>> history = family.fit(epochs=9, verbose=0)
        >>> bound, _ = family.member(damping=0.2).error_bound([1.0, 5.0])
        >>> bool((bound < 1e-8).all())
        True
        """
        return member_of(self, parameters)

    @property
    def stop_reason(self):
        """Why a `WholeBatchOptimizer` stopped, with the names of parameters at their bound."""
        reason = super().stop_reason
        names = () if self.identification is None else self.identification.at_bound
        is_named = names and reason == STOP_REASONS[AT_BOUND]
        return f"{reason}: {', '.join(names)}" if is_named else reason

    def found_problem(self):
        """The problem with the present values of the unknown parameters, as plain numbers."""
        found = self.found_values()
        return self.problem.with_parameters(**found) if found else self.problem

    def found_values(self):
        """The present values of the unknown parameters by name, floats."""
        return {} if self.identification is None else self.identification.found_values()

    def estimates(self, times, positions=None, sample_weight=None):
        """The unknown parameters with their standard errors and 95 % intervals, if the model holds.

            σ̂² = Σ_j w_j ρ_j² / (n − Q),   cov(p) = σ̂² (JᵀWJ)⁻¹,   p̂ ± t_{0.975, n−Q} · se(p)

        to first order in the noise, which must be independent from one sample to the next, and of
        one size, or of the size σ_j where w_j = 1/σ_j². They assume that the equation with some
        values of the parameters is that of the data: what an equation that is wrong does to them
        is in no interval (`stop_reason` is then "converged, misfit above noise"). The interval of
        a parameter that cannot be negative ends at 0. It belongs to the smallest Σ w ρ², where
        `LevenbergMarquardt` ends; other optimizers end beside it.

        Args:
            times: of the data, `(num,)` or `(num, 1)`, in s; or a `Trajectory` of one motion.
            positions: measured, `(num,)` or `(num, dimension)`, in m; none beside a `Trajectory`.
            sample_weight: w `(num,)`, the weights that `fit` had, or None for equal ones. Only
                their ratios count; data of weight 0 are left out.

        Returns:
            Dictionary of `Estimate` (`value`, `standard_error`, `lower`, `upper`) by name.

        Raises:
            ValueError: without unknown parameters, for data that do not fit the model, or for no
                more numbers than parameters.
        """
        identification = self._identification()
        return identification.estimates(*self.data_batch(times, positions, sample_weight))

    def jacobian(self, times):
        """∂x̂(t_j)/∂p `(num · dimension, Q)`, an array, x̂ the solution for every p."""
        return self._identification().jacobian(times)

    def data_batch(self, times, positions=None, sample_weight=None):
        """`MeasuredData`: times, positions and weights as float64 tensors, checked."""
        return data_batch(times, positions, self.domain, self.problem, sample_weight)

    def _identification(self):
        if self.identification is None:
            raise ValueError(NO_UNKNOWNS)
        return self.identification

    def _times_of_one_problem(self, t):
        self._check_one_problem()
        return self.domain.checked(t)[:, 0]

    def _check_one_problem(self):
        """Raise where the parameters of the equation are not fixed numbers."""
        given = {
            "parameter_ranges": self.domain.ranges,
            "unknown_parameters": self.unknown_parameters,
        }
        for name, value in given.items():
            if value:
                cures = {"parameter_ranges": "Take one solution of it, pinn.member(damping=…)."}
                cure = cures.get(name, "Make one for the problem that was found, found_problem().")
                raise ValueError(
                    "Error bars belong to the solution of one problem. Received: a PINN with "
                    f"{name}={value!r}. {cure}"
                )
