"""Oscillators, their forces, and the sequences that Euler's method makes of them.

The rooms lie one above the other, nearly in the order of the lecture: `forces`, `problems`,
`trajectories`, `records`, `stepping`, `datasets`. Each imports only those before it, and the
modules beside them: `checks` of what users pass in, `unknown_arguments` that are misspelt, `files`
and `archives`, which are written whole, `ensemble` of many oscillators, and what is `configurable`
from text. Nothing here knows of models.
"""

from .datasets import (
    forecast_windows,
    system_identification_pairs,
    trajectory_stream,
    variable_length_batches,
)
from .forces import Chirp, Constant, Force, Sampled, Sinusoid, Step
from .problems import (
    CoupledOscillators,
    DampedOscillator,
    Decay,
    Duffing,
    FirstOrder,
    InitialValueProblem,
    MeasuredOscillator,
    Pendulum,
    VanDerPol,
    linear,
    sample_oscillators,
)
from .records import load_measurement
from .stepping import simulate
from .trajectories import (
    Trajectory,
    add_noise,
    split_by_time,
    split_by_trajectory,
)
from .unknown_arguments import explain_unknown_arguments

__all__ = [
    "Chirp",
    "Constant",
    "CoupledOscillators",
    "DampedOscillator",
    "Decay",
    "Duffing",
    "FirstOrder",
    "Force",
    "InitialValueProblem",
    "MeasuredOscillator",
    "Pendulum",
    "Sampled",
    "Sinusoid",
    "Step",
    "Trajectory",
    "VanDerPol",
    "add_noise",
    "forecast_windows",
    "linear",
    "load_measurement",
    "sample_oscillators",
    "simulate",
    "split_by_time",
    "split_by_trajectory",
    "system_identification_pairs",
    "trajectory_stream",
    "variable_length_batches",
]

explain_unknown_arguments(Trajectory)  # problems and forces do it themselves
