"""The physics: equations with their initial states, and their exact motions.

Begin with `damped_oscillator`, the lecture's system, on `initial_value_problem`, which every
equation extends. `closed_forms` and `driven_motion` have the exact solutions; `sampling` draws many
oscillators at random; `serialization` writes a problem as text. It may import the rooms below it.
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
