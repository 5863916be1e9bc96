"""The lecture's system: a mass on a spring, with friction and a force."""

import numpy as np

from ..checks import real_value
from ..forces.force import check_force, evaluate_force
from .closed_forms import characteristic_roots
from .driven_motion import driven_motion, has_closed_form, times_after
from .initial_value_problem import InitialValueProblem, linear

NO_SPRING = (
    "A spring that pushes away, or none, belongs to Duffing: its stiffness may be negative or 0."
)


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

    `exact` knows the motion without force and under `Constant`, `Sinusoid`, `Step` and `Sampled`,
    for any damping. Forces are functions of the absolute time t, not of t − t0.

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
    >>> x, v = DampedOscillator(position=1.0).exact(np.array([0.0, np.pi]))
    >>> x[:, 0]
    array([ 1., -1.])
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
        self.stiffness = real_value("stiffness", stiffness, "N/m", above=0.0, beyond=NO_SPRING)
        self.force = check_force(force)
        super().__init__(position, velocity, start_time, dimension=1)

    @linear
    def rhs(self, t, x, v, ops=np):
        mass, damping, stiffness = self.columns("mass", "damping", "stiffness", ops=ops)
        return (evaluate_force(self.force, t, ops) - damping * v - stiffness * x) / mass

    def exact(self, t):
        """Closed-form solution; arguments and result as in `InitialValueProblem.exact`.

        Raises:
            ValueError: for a `Chirp` or a plain function of t, for times before the start, or
                outside the times of a `Sampled` force.
        """
        (force,) = self.coordinate_forces
        if not has_closed_form(force):
            return super().exact(t)
        times = times_after(self.start_time, t)
        alpha, delta, inverse_mass = (
            np.reshape(value, (-1, 1))
            for value in (self.damping_rate, self.squared_frequency, 1.0 / self.mass)
        )
        roots = characteristic_roots(alpha, delta)
        state = self.initial_state()
        motion = driven_motion(roots, state, force, inverse_mass, self.start_time, times)
        return self.as_exact(*(component[..., None] for component in motion))

    def energy(self, x, v, ops=np):
        """Kinetic and potential energy, m v² / 2 + k x² / 2, in J."""
        mass, stiffness = self.columns_like(x, "mass", "stiffness", ops=ops)
        return 0.5 * mass * v**2 + 0.5 * stiffness * x**2

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
