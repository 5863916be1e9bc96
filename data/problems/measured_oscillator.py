"""An oscillator with nonlinear springs and friction, as one meets them in measurements."""

import numpy as np

from ..checks import real_value
from ..forces.force import check_force, evaluate_force
from .initial_value_problem import InitialValueProblem


class MeasuredOscillator(InitialValueProblem):
    """An oscillator with the springs and losses that measurements show.

        x'' + d x' + q |x'| x' + s x + s2 x² + s3 x³ = G F(t)

    | symbol | argument              | unit       |
    |--------|-----------------------|------------|
    | s      | `squared_frequency`   | 1/s²       |
    | d      | `damping_rate`        | 1/s        |
    | q      | `quadratic_drag`      | 1/m        |
    | s2     | `quadratic_stiffness` | 1/(m s²)   |
    | s3     | `cubic_stiffness`     | 1/(m² s²)  |
    | G      | `gain`                | 1/kg       |
    | F      | `force`               | N          |
    | x0, v0 | `position`, `velocity`| m, m/s     |

    Raises:
        ValueError: for constants that are not finite numbers.

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
        self.gain = real_value("gain", gain, "1/kg")
        self.force = check_force(force)
        super().__init__(position, velocity, start_time, dimension=1)

    ensemble_parameters = (
        *("squared_frequency", "damping_rate", "quadratic_drag"),
        *("quadratic_stiffness", "cubic_stiffness", "gain"),
    )

    def rhs(self, t, x, v, ops=np):
        s, d, q, s2, s3, gain = self.columns(*self.ensemble_parameters, ops=ops)
        loss = (d + q * ops.abs(v)) * v
        return gain * evaluate_force(self.force, t, ops) - loss - (s + (s2 + s3 * x) * x) * x
