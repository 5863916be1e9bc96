"""Recurrent cells whose weights are physical constants.

`euler_cell` steps like Euler's method, `duffing_cell` is the recurrence of a measured Duffing
oscillator. `linear_reading` and `duffing_reading` read constants off trained cells,
`duffing_start` finds a first guess. This room may import `recurrent` and `least_squares`.
"""

from .duffing_cell import DuffingCell
from .duffing_reading import duffing_estimates, read_duffing
from .duffing_start import fit_one_step
from .euler_cell import EulerCell
from .linear_reading import euler_weights, read_oscillator

__all__ = [
    "DuffingCell",
    "EulerCell",
    "duffing_estimates",
    "euler_weights",
    "fit_one_step",
    "read_duffing",
    "read_oscillator",
]
