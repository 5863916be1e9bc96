"""Oscillators, their forces, and the sequences that Euler's method makes of them."""

from .coupled_oscillators import CoupledOscillators
from .damped_oscillator import DampedOscillator
from .decay import Decay
from .duffing import Duffing
from .forces import Chirp, Constant, Force, Sampled, Sinusoid, Step
from .identification import system_identification_pairs
from .initial_value_problem import InitialValueProblem
from .measurement import load_measurement
from .noise import add_noise
from .pendulum import Pendulum
from .sampling import sample_oscillators
from .simulation import simulate
from .splits import split_by_time, split_by_trajectory
from .stream import trajectory_stream
from .trajectory import Trajectory
from .van_der_pol import VanDerPol
from .variable_length import variable_length_batches
from .windows import forecast_windows

FORCES = (Constant, Sinusoid, Step, Chirp, Sampled)
PROBLEMS = (DampedOscillator, Duffing, VanDerPol, Pendulum, CoupledOscillators, Decay)
PROBLEMS_AND_FORCES = FORCES + PROBLEMS

__all__ = [
    "Chirp",
    "Constant",
    "CoupledOscillators",
    "DampedOscillator",
    "Decay",
    "Duffing",
    "Force",
    "InitialValueProblem",
    "Pendulum",
    "Sampled",
    "Sinusoid",
    "Step",
    "Trajectory",
    "VanDerPol",
    "add_noise",
    "forecast_windows",
    "load_measurement",
    "sample_oscillators",
    "simulate",
    "split_by_time",
    "split_by_trajectory",
    "system_identification_pairs",
    "trajectory_stream",
    "variable_length_batches",
]
