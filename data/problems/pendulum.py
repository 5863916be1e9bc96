"""A pendulum, at any angle."""

import numpy as np

from ..checks import real_value
from ..forces.force import check_force, evaluate_force
from .initial_value_problem import InitialValueProblem


class Pendulum(InitialValueProblem):
    """The damped driven pendulum, θ'' + γ θ' + (g/L) sin θ = F(t).

    | symbol | argument     | unit   |
    |--------|--------------|--------|
    | θ0     | `position`   | rad    |
    | θ'0    | `velocity`   | rad/s  |
    | L      | `length`     | m      |
    | g      | `gravity`    | m/s²   |
    | γ      | `damping`    | 1/s    |
    | F      | `force`      | rad/s² |
    | t0     | `start_time` | s      |

    The position is the angle from the hanging rest; F is the force along the path, divided by
    mass and length. Small swings have the frequency √(g/L), larger ones a lower one, and a start
    near the upright rest (θ = π) leaves it after a time that depends on the last digit.

    Args:
        length: positive number or `(batch,)`.
        gravity: positive number or `(batch,)`.
        damping: number ≥ 0 or `(batch,)`, already divided by the mass.
        force: None, `Constant`, `Sinusoid`, `Step`, `Chirp`, `Sampled`, or a function of t.
        position: number or `(batch,)`.
        velocity: number or `(batch,)`.
        start_time: number.

    Raises:
        ValueError: for a length or gravity that is not positive, a negative damping, values that
            are not finite, or arrays of different sizes.

    Example:
    >>> level = Pendulum(length=2.0, position=np.pi / 2)
    >>> float(level.rhs(0.0, level.position, 0.0))
    -4.905
    """

    position_unit = "rad"
    ensemble_parameters = ("length", "gravity", "damping")

    def __init__(
        self,
        length=1.0,
        gravity=9.81,
        damping=0.0,
        force=None,
        position=1.0,
        velocity=0.0,
        start_time=0.0,
    ):
        self.length = real_value("length", length, "m", above=0.0)
        self.gravity = real_value("gravity", gravity, "m/s²", above=0.0)
        self.damping = real_value("damping", damping, "1/s", at_least=0.0)
        self.force = check_force(force)
        super().__init__(position, velocity, start_time, dimension=1)

    def rhs(self, t, x, v, ops=np):
        length, gravity, damping = self.columns(*self.ensemble_parameters, ops=ops)
        return evaluate_force(self.force, t, ops) - damping * v - gravity / length * ops.sin(x)

    def energy(self, x, v, ops=np):
        """Energy divided by m L², θ'² / 2 + 2 (g/L) sin²(θ/2), in 1/s²; 0 at the hanging rest."""
        length, gravity = self.columns_like(x, "length", "gravity", ops=ops)
        return 0.5 * v**2 + 2.0 * gravity / length * ops.sin(0.5 * x) ** 2

    @property
    def energy_never_grows(self):
        return self.force is None
