"""An oscillator that keeps itself going."""

import numpy as np

from ..checks import real_value
from ..forces.force import check_force, evaluate_force
from .initial_value_problem import InitialValueProblem


class VanDerPol(InitialValueProblem):
    """The Van der Pol oscillator, x'' − μ (1 − x²) x' + x = F(t).

    Friction feeds the motion where |x| < 1 and brakes it outside, so every start except the rest
    ends on one limit cycle, of amplitude close to 2. Scaled: x and t carry no units, and neither
    does μ; read "m" and "s" elsewhere as those scales.

    | symbol | argument       | unit |
    |--------|----------------|------|
    | μ      | `nonlinearity` | 1    |
    | F      | `force`        | 1    |
    | x0     | `position`     | 1    |
    | v0     | `velocity`     | 1    |
    | t0     | `start_time`   | 1    |

    The motion is stiff for μ ≫ 1: jumps last about 1/μ, the period is about 1.614 μ. There is no
    closed form.

    Args:
        nonlinearity: number ≥ 0 or `(batch,)`; 0 makes the oscillator harmonic.
        force: None, `Constant`, `Sinusoid`, `Step`, `Chirp`, `Sampled`, or a function of t.
        position: number or `(batch,)`.
        velocity: number or `(batch,)`.
        start_time: number.

    Raises:
        ValueError: for a negative nonlinearity, values that are not finite, or arrays of
            different sizes.

    Example:
    >>> float(VanDerPol(nonlinearity=3.0).rhs(0.0, 2.0, 1.0))
    -11.0

    Reference: B. van der Pol, On relaxation-oscillations, Philosophical Magazine 2 (1926) 978–992.
    """

    ensemble_parameters = ("nonlinearity",)

    def __init__(self, nonlinearity=1.0, force=None, position=2.0, velocity=0.0, start_time=0.0):
        self.nonlinearity = real_value("nonlinearity", nonlinearity, "(no unit)", at_least=0.0)
        self.force = check_force(force)
        super().__init__(position, velocity, start_time, dimension=1)

    def rhs(self, t, x, v, ops=np):
        (nonlinearity,) = self.columns("nonlinearity", ops=ops)
        return evaluate_force(self.force, t, ops) + nonlinearity * (1.0 - x * x) * v - x

    def energy(self, x, v, ops=np):
        """Kinetic and potential energy, v² / 2 + x² / 2; friction feeds it where |x| < 1."""
        return 0.5 * v**2 + 0.5 * x**2

    @property
    def energy_never_grows(self):
        return self.force is None and bool(np.all(self.nonlinearity == 0.0))
