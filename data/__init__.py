"""Oscillators, their forces, and the sequences that Euler's method makes of them."""

from .damped_oscillator import DampedOscillator
from .decay import Decay
from .forces import Chirp, Constant, Force, Sampled, Sinusoid, Step
from .identification import system_identification_pairs
from .initial_value_problem import InitialValueProblem
from .measurement import load_measurement
from .noise import add_noise
from .sampling import sample_oscillators
from .simulation import simulate
from .splits import split_by_time, split_by_trajectory
from .trajectory import Trajectory
from .variable_length import variable_length_batches
from .windows import forecast_windows

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
    "add_noise",
    "forecast_windows",
    "load_measurement",
    "sample_oscillators",
    "simulate",
    "split_by_time",
    "split_by_trajectory",
    "system_identification_pairs",
    "variable_length_batches",
]
