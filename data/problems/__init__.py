"""The physics: equations with their initial states, and their exact motions.

Begin with `damped_oscillator`, the lecture's system, on `initial_value_problem`, which every
equation extends; `decay`, `coupled_oscillators`, `duffing`, `pendulum` and `van_der_pol` are
others, and `first_order` writes any of them as the pair of x' and v'. `closed_forms` and
`driven_motion` have the exact solutions; `sampling` draws many oscillators at random;
`serialization` writes a problem as text; `rhs_errors` explains mistakes in a user's own equation.
It may import the rooms below it.
"""

from .coupled_oscillators import CoupledOscillators
from .damped_oscillator import DampedOscillator
from .decay import Decay
from .duffing import Duffing, MeasuredOscillator
from .first_order import FirstOrder
from .initial_value_problem import InitialValueProblem, linear
from .pendulum import Pendulum
from .sampling import sample_oscillators
from .van_der_pol import VanDerPol

__all__ = [
    "CoupledOscillators",
    "DampedOscillator",
    "Decay",
    "Duffing",
    "FirstOrder",
    "InitialValueProblem",
    "MeasuredOscillator",
    "Pendulum",
    "VanDerPol",
    "linear",
    "sample_oscillators",
]
