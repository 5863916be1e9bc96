"""How wrong a PINN is, without knowing the answer: three methods."""

import numpy as np

from .error_bound import ErrorSeries, enclose_error
from .error_estimate import estimate_error


class ErrorBars:
    """Gives a `PINN` its error bars: a proven bound, an estimate, and a solution freed of it."""

    def error_bound(self, t):
        """Proven bounds of |x̂ − x| and of the velocity's error, for linear problems.

        The error is the residual's response, E, computed with its sign, plus what the
        computation of E, and rounding, can have missed:

            |x̂(t) − x(t)| ≤ |E(t)| + radius(t)

        x is the exact solution for the problem's numbers as they are in float64, x̂ the value
        that the model returns, rounding included. The bound is hardly larger than the error,
        where that is larger than what rounding can do at the worst. It takes for granted that
        float64 operations are rounded correctly, and elementary functions to a few units in the
        last place.

        Args:
            t: times, `(num,)` or `(num, 1)`, in s.

        Returns:
            Tuple of arrays `(num, dimension)`: bounds of |x̂ − x| in m and of |x̂' − x'| in m/s.

        Raises:
            ValueError: for times outside the interval, and where there is no proof: nonlinear
                problems, forces that are plain functions, activations other than "sin", "tanh"
                and "swish", h1 or h2, float32. `error_estimate` takes all of them. Also for a
                motion that turns by more than about 120 000 rad.

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
        return enclose_error(self, self._times_of_one_problem(t)).bounds()

    def error_estimate(self, t):
        """An estimate of x̂ − x and of the velocity's error, with their signs, for any problem.

        It solves the equation of the error, linearised about x̂, which leaves out terms of the
        order of the error's square: an estimate, not a bound.

        Args:
            t: times, `(num,)` or `(num, 1)`, in s.

        Returns:
            Tuple of arrays `(num, dimension)`: x̂ − x in m and x̂' − x' in m/s.

        Raises:
            ValueError: for times outside the interval, or a motion that turns by more than about
                120 000 rad.
        """
        return estimate_error(self, self._times_of_one_problem(t))

    def defect_correction(self, t):
        """The solution freed of its estimated error, x̂ − e: often twice as many digits.

        Args:
            t: times, `(num,)` or `(num, 1)`, in s.

        Returns:
            Tuple of arrays `(num, dimension)`: position in m and velocity in m/s.

        Raises:
            ValueError: for times outside the interval.

        Example:
        >>> from oscillator_zoo.data import DampedOscillator
        >>> from oscillator_zoo.models import PINN
        >>> pinn = PINN(DampedOscillator(), duration=5.0, hidden_units=(8,), seed=1)  # untrained
        >>> x, v = pinn.defect_correction([np.pi])
        >>> bool(abs(x[0, 0] + 1.0) < 1e-10)
        True
        """
        times = self._times_of_one_problem(t)
        motion = (np.asarray(y, np.float64) for y in self.derivatives(times)[:2])
        return tuple(y - e for y, e in zip(motion, self.error_estimate(times)))

    def error_bound_table(self):
        """Bounds of |x̂ − x| that hold everywhere between the times of a grid, for `export`.

        Returns:
            Tuple (times, bounds), `(num + 1,)` in s and `(num, dimension)` in m; None where
            `error_bound` has no proof.
        """
        try:
            self._check_one_problem()
            return ErrorSeries(self).table()
        except ValueError:
            return None

    def _times_of_one_problem(self, t):
        self._check_one_problem()
        return self.checked(t)[:, 0]

    def _check_one_problem(self):
        """Raise where the parameters of the equation are not fixed numbers."""
        given = {
            "parameter_ranges": None if self.box is None else self.box.ranges,
            "unknown_parameters": self.unknown_parameters,
        }
        for name, value in given.items():
            if value:
                raise ValueError(
                    "Error bars belong to the solution of one problem. Received: a PINN with "
                    f"{name}={value!r}. Make one for a problem with these parameters fixed."
                )
