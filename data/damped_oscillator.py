"""The lecture's system: a mass on a spring, with friction and a force."""

import numpy as np

from .checks import real_value
from .forces import check_force, evaluate_force
from .initial_value_problem import InitialValueProblem


class DampedOscillator(InitialValueProblem):
    """The damped driven oscillator, m x'' + γ x' + k x = F(t).

    Divided by m it reads x'' = F/m − α x' − δ x, with α = γ/m and δ = k/m = ω0².

    | symbol | argument     | unit |
    |--------|--------------|------|
    | m      | `mass`       | kg   |
    | γ      | `damping`    | kg/s |
    | k      | `stiffness`  | N/m  |
    | F      | `force`      | N    |
    | x0     | `position`   | m    |
    | v0     | `velocity`   | m/s  |
    | t0     | `start_time` | s    |

    Args:
        mass: positive number or `(batch,)`.
        damping: number ≥ 0 or `(batch,)`.
        stiffness: positive number or `(batch,)`.
        force: None, `Constant`, `Sinusoid`, `Step`, `Chirp`, `Sampled`, or a function of t.
        position: number or `(batch,)`.
        velocity: number or `(batch,)`.
        start_time: number.

    Raises:
        ValueError: for a mass or stiffness that is not positive, a negative damping, values that
            are not finite, or arrays of different sizes.

    Example:
    >>> oscillator = DampedOscillator(mass=2.0, damping=0.4, stiffness=8.0)
    >>> oscillator.natural_frequency, oscillator.damping_rate
    (2.0, 0.2)
    """

    ensemble_parameters = ("mass", "damping", "stiffness")

    def __init__(
        self,
        mass=1.0,
        damping=0.0,
        stiffness=1.0,
        force=None,
        position=1.0,
        velocity=0.0,
        start_time=0.0,
    ):
        self.mass = real_value("mass", mass, "kg", above=0.0)
        self.damping = real_value("damping", damping, "kg/s", at_least=0.0)
        self.stiffness = real_value("stiffness", stiffness, "N/m", above=0.0)
        self.force = check_force(force)
        super().__init__(position, velocity, start_time)

    def rhs(self, t, x, v, ops=np):
        mass, damping, stiffness = self.columns("mass", "damping", "stiffness")
        return (evaluate_force(self.force, t, ops) - damping * v - stiffness * x) / mass

    def energy(self, x, v):
        """Kinetic and potential energy, m v² / 2 + k x² / 2, in J."""
        return 0.5 * self.mass * v**2 + 0.5 * self.stiffness * x**2

    @property
    def energy_never_grows(self):
        return self.force is None

    @property
    def damping_rate(self):
        """α = γ/m, in 1/s."""
        return self.damping / self.mass

    @property
    def squared_frequency(self):
        """δ = k/m = ω0², in 1/s²."""
        return self.stiffness / self.mass

    @property
    def natural_frequency(self):
        """ω0 = √(k/m), in rad/s."""
        return self.squared_frequency**0.5

    @property
    def damping_ratio(self):
        """ζ = γ / (2 √(k m)): below 1 the oscillator swings, at 1 it is critically damped."""
        return self.damping / (2.0 * (self.stiffness * self.mass) ** 0.5)

    @property
    def cosine_amplitude(self):
        """A of the undamped free motion A cos ω0(t − t0) + B sin ω0(t − t0), in m."""
        return self.position

    @property
    def sine_amplitude(self):
        """B of the undamped free motion A cos ω0(t − t0) + B sin ω0(t − t0), in m."""
        return self.velocity / self.natural_frequency
