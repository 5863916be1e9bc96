"""A first-order problem: exponential decay towards a force."""

import numpy as np

from .checks import real_value
from .forces import check_force, evaluate_force
from .initial_value_problem import InitialValueProblem


class Decay(InitialValueProblem):
    """First-order decay, x' = −λ x + F(t).

    | symbol | argument     | unit |
    |--------|--------------|------|
    | λ      | `rate`       | 1/s  |
    | F      | `force`      | m/s  |
    | x0     | `position`   | m    |
    | t0     | `start_time` | s    |

    Args:
        rate: positive number or `(batch,)`.
        position: number or `(batch,)`.
        force: None, one of the forces, or a function of t.
        start_time: number.

    Raises:
        ValueError: for a rate that is not positive, or values that are not finite.

    Example:
    >>> float(Decay(rate=2.0).rhs(0.0, 3.0))
    -6.0
    """

    order = 1
    ensemble_parameters = ("rate",)

    def __init__(self, rate=1.0, position=1.0, force=None, start_time=0.0):
        self.rate = real_value("rate", rate, "1/s", above=0.0)
        self.force = check_force(force)
        super().__init__(position, start_time=start_time)

    def rhs(self, t, x, ops=np):
        (rate,) = self.columns("rate")
        return evaluate_force(self.force, t, ops) - rate * x
