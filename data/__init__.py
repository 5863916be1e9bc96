"""Oscillators, their forces, and the sequences that Euler's method makes of them."""

from .damped_oscillator import DampedOscillator
from .decay import Decay
from .forces import Chirp, Constant, Force, Sampled, Sinusoid, Step
from .initial_value_problem import InitialValueProblem
from .simulation import simulate
from .trajectory import Trajectory

PROBLEMS_AND_FORCES = (Constant, Sinusoid, Step, Chirp, Sampled, DampedOscillator, Decay)

__all__ = [
    "Chirp",
    "Constant",
    "DampedOscillator",
    "Decay",
    "Force",
    "InitialValueProblem",
    "Sampled",
    "Sinusoid",
    "Step",
    "Trajectory",
    "simulate",
]
