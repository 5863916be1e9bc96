"""A first-order problem: exponential decay towards a force."""

import numpy as np

from ..checks import real_value
from ..forces.force import check_force, evaluate_force
from .driven_motion import driven_motion, has_closed_form, times_after
from .initial_value_problem import InitialValueProblem, linear


class Decay(InitialValueProblem):
    """First-order decay, x' = −λ x + F(t).

    | symbol | argument     | unit |
    |--------|--------------|------|
    | λ      | `rate`       | 1/s  |
    | F      | `force`      | m/s  |
    | x0     | `position`   | m    |
    | t0     | `start_time` | s    |

    `exact` knows the motion without force and under `Constant`, `Sinusoid`, `Step` and `Sampled`.

    Args:
        rate: positive number or `(batch,)`.
        position: number or `(batch,)`.
        force: None, `Constant`, `Sinusoid`, `Step`, `Chirp`, `Sampled`, or a function of t.
        start_time: number.

    Raises:
        ValueError: for a rate that is not positive, values that are not finite, or arrays of
            different sizes.

    Example:
    >>> float(Decay(rate=2.0).rhs(0.0, 3.0))
    -6.0
    >>> x, slope = Decay(rate=2.0).exact(np.array([0.0, 1.0]))
    >>> x[:, 0]
    array([1.        , 0.13533528])
    """

    order = 1
    ensemble_parameters = ("rate",)

    def __init__(self, rate=1.0, position=1.0, force=None, start_time=0.0):
        self.rate = real_value("rate", rate, "1/s", above=0.0)
        self.force = check_force(force)
        super().__init__(position, start_time=start_time, dimension=1)

    @linear
    def rhs(self, t, x, ops=np):
        (rate,) = self.columns("rate", ops=ops)
        return evaluate_force(self.force, t, ops) - rate * x

    def exact(self, t):
        """Closed-form solution (x, x'); arguments and result as in `InitialValueProblem.exact`.

        Raises:
            ValueError: for a `Chirp` or a plain function of t, for times before the start, or
                outside the times of a `Sampled` force.
        """
        (force,) = self.coordinate_forces
        if not has_closed_form(force):
            return super().exact(t)
        times = times_after(self.start_time, t)
        root = -np.reshape(self.rate, (-1, 1))
        motion = driven_motion((root,), self.initial_state(), force, 1.0, self.start_time, times)
        return self.as_exact(*(component[..., None] for component in motion))
