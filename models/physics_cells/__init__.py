"""Recurrent cells whose weights are physical constants.

`euler_cell` steps like Euler's method, `duffing_cell` is the recurrence of a measured Duffing
oscillator, `oscillator_cell` steps any oscillator of a few terms, or a problem of the user's own.
`linear_reading` and `duffing_reading` read constants off trained cells, `duffing_start` finds a
first guess. `duffing_equation` fits the equation itself to a record: guesses in `weak_form`, then
`duffing_windows`, which grow, a `duffing_search` on `duffing_runs`. `duffing_answers` chooses
between the two, and `duffing_checks` refuse what is not right. It may import the rooms below it.
"""

from .duffing_answers import duffing_estimates
from .duffing_cell import DuffingCell
from .duffing_equation import fit_duffing
from .duffing_reading import read_duffing
from .duffing_start import fit_one_step, start_like
from .euler_cell import EulerCell
from .linear_reading import euler_weights, read_oscillator
from .oscillator_cell import OscillatorCell, ProblemCell

__all__ = [
    "DuffingCell",
    "EulerCell",
    "OscillatorCell",
    "ProblemCell",
    "duffing_estimates",
    "euler_weights",
    "fit_duffing",
    "fit_one_step",
    "read_duffing",
    "read_oscillator",
    "start_like",
]
