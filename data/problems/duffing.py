"""Oscillators whose spring hardens, softens, or has two rests, and whose losses may grow."""

import numpy as np

from ..checks import real_value
from ..forces.force import check_force, evaluate_force
from .initial_value_problem import InitialValueProblem


class Duffing(InitialValueProblem):
    """The Duffing oscillator, m x'' + γ x' + k x + k3 x³ = F(t).

    | symbol | argument          | unit |
    |--------|-------------------|------|
    | m      | `mass`            | kg   |
    | γ      | `damping`         | kg/s |
    | k      | `stiffness`       | N/m  |
    | k3     | `cubic_stiffness` | N/m³ |
    | F      | `force`           | N    |
    | x0     | `position`        | m    |
    | v0     | `velocity`        | m/s  |
    | t0     | `start_time`      | s    |

    With k < 0 < k3 there are two wells, at x = ±√(−k/k3); driven, the motion may be chaotic, and
    then no method gives more than its first few dozen periods. With k3 < 0 the spring softens and
    a large motion runs away in finite time.

    Args:
        mass: positive number or `(batch,)`.
        damping: number ≥ 0 or `(batch,)`.
        stiffness: number or `(batch,)`, negative for a double well.
        cubic_stiffness: number or `(batch,)`; 0 makes the oscillator linear.
        force: None, `Constant`, `Sinusoid`, `Step`, `Chirp`, `Sampled`, or a function of t.
        position: number or `(batch,)`.
        velocity: number or `(batch,)`.
        start_time: number.

    Raises:
        ValueError: for a mass that is not positive, a negative damping, values that are not
            finite, or arrays of different sizes.

    Example:
    >>> double_well = Duffing(stiffness=-1.0, cubic_stiffness=1.0)
    >>> [float(double_well.rhs(0.0, x, 0.0)) for x in (0.0, 0.5, 1.0)]
    [0.0, 0.375, 0.0]

    Reference: I. Kovacic and M. J. Brennan, The Duffing Equation, Wiley 2011.
    """

    ensemble_parameters = ("mass", "damping", "stiffness", "cubic_stiffness")

    def __init__(
        self,
        mass=1.0,
        damping=0.0,
        stiffness=1.0,
        cubic_stiffness=1.0,
        force=None,
        position=1.0,
        velocity=0.0,
        start_time=0.0,
    ):
        self.mass = real_value("mass", mass, "kg", above=0.0)
        self.damping = real_value("damping", damping, "kg/s", at_least=0.0)
        self.stiffness = real_value("stiffness", stiffness, "N/m")
        self.cubic_stiffness = real_value("cubic_stiffness", cubic_stiffness, "N/m³")
        self.force = check_force(force)
        super().__init__(position, velocity, start_time, dimension=1)

    def rhs(self, t, x, v, ops=np):
        mass, damping, stiffness, cubic = self.columns(*self.ensemble_parameters, ops=ops)
        spring = (stiffness + cubic * x * x) * x
        return (evaluate_force(self.force, t, ops) - damping * v - spring) / mass

    def energy(self, x, v, ops=np):
        """Kinetic and potential energy, m v² / 2 + k x² / 2 + k3 x⁴ / 4, in J."""
        names = ("mass", "stiffness", "cubic_stiffness")
        mass, stiffness, cubic = self.columns_like(x, *names, ops=ops)
        return 0.5 * mass * v**2 + (0.5 * stiffness + 0.25 * cubic * x**2) * x**2

    @property
    def energy_never_grows(self):
        return self.force is None


class MeasuredOscillator(InitialValueProblem):
    """An oscillator with the springs and losses that measurements show.

        x'' + d x' + q |x'| x' + f sign x' + s x + s2 x² + s3 x³ = G F(t)

    With dry friction the mass sticks where it is at rest and all other forces stay below it. Steps
    of fixed length in `simulate` do not meet the turning points: each leaves an error of up to
    2 f Δt in the velocity, with which the motion shivers where it sticks.

    | symbol | argument              | unit       |
    |--------|-----------------------|------------|
    | s      | `squared_frequency`   | 1/s²       |
    | d      | `damping_rate`        | 1/s        |
    | q      | `quadratic_drag`      | 1/m        |
    | s2     | `quadratic_stiffness` | 1/(m s²)   |
    | s3     | `cubic_stiffness`     | 1/(m² s²)  |
    | f      | `dry_friction`        | m/s²       |
    | G      | `gain`                | 1/kg       |
    | F      | `force`               | N          |
    | x0, v0 | `position`, `velocity`| m, m/s     |

    Raises:
        ValueError: for constants that are not finite numbers, or a negative dry friction.

    Example:
    >>> problem = MeasuredOscillator(squared_frequency=4.0, quadratic_drag=0.1)
    >>> float(problem.rhs(0.0, 1.0, -2.0))
    -3.6
    """

    def __init__(
        self,
        squared_frequency=1.0,
        damping_rate=0.0,
        quadratic_drag=0.0,
        quadratic_stiffness=0.0,
        cubic_stiffness=0.0,
        dry_friction=0.0,
        gain=1.0,
        force=None,
        position=1.0,
        velocity=0.0,
        start_time=0.0,
    ):
        self.squared_frequency = real_value("squared_frequency", squared_frequency, "1/s²")
        self.damping_rate = real_value("damping_rate", damping_rate, "1/s")
        self.quadratic_drag = real_value("quadratic_drag", quadratic_drag, "1/m")
        self.quadratic_stiffness = real_value("quadratic_stiffness", quadratic_stiffness, "1/m/s²")
        self.cubic_stiffness = real_value("cubic_stiffness", cubic_stiffness, "1/m²/s²")
        self.dry_friction = real_value("dry_friction", dry_friction, "m/s²", at_least=0.0)
        self.gain = real_value("gain", gain, "1/kg")
        self.force = check_force(force)
        super().__init__(position, velocity, start_time, dimension=1)

    ensemble_parameters = (
        *("squared_frequency", "damping_rate", "quadratic_drag"),
        *("quadratic_stiffness", "cubic_stiffness", "dry_friction", "gain"),
    )

    def rhs(self, t, x, v, ops=np):
        s, d, q, s2, s3, dry, gain = self.columns(*self.ensemble_parameters, ops=ops)
        loss = (d + q * ops.abs(v)) * v
        rate = gain * evaluate_force(self.force, t, ops) - loss - (s + (s2 + s3 * x) * x) * x
        if not np.any(self.dry_friction):
            return rate
        at_rest = ops.maximum(ops.minimum(rate, dry), -dry)
        return rate - ops.where(v == 0.0, at_rest, dry * ops.sign(v))
