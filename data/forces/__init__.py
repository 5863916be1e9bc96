"""What drives an oscillator: F(t) in N.

`force` says what any force is; `formulas` has those with a formula, `sampled` a force known at some
times only, and `sorted_times` finds a time among them. `force_grid` evaluates forces on the grid
of a simulation. It may import the modules beside the rooms.
"""

from .force import Force
from .formulas import Chirp, Constant, Sinusoid, Step
from .sampled import Sampled

__all__ = [
    "Chirp",
    "Constant",
    "Force",
    "Sampled",
    "Sinusoid",
    "Step",
]
