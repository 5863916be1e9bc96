"""Least squares on the free runs of an equation, from short windows to whole records.

Begin with `shooting`, the search, whose steps are in `window_descent`. `window_layout` cuts records
into windows, `window_runs` runs an equation in all of them at once, with its sensitivities,
`friction_runs` does so for a free motion that turns and sticks, `driven_friction` for a driven one
by the maps of `exact_steps`, and `window_starts` finds where each begins. It may import the rooms
below it; of an equation it asks for a `run`, and of a record for its times and values.
"""

from .driven_friction import run_driven_with_friction
from .friction_runs import run_with_friction
from .shooting import Shooting
from .window_layout import PERIODS, middle_of, windows_of
from .window_runs import run_windows
from .window_starts import along

__all__ = [
    "PERIODS",
    "Shooting",
    "along",
    "middle_of",
    "run_driven_with_friction",
    "run_windows",
    "run_with_friction",
    "windows_of",
]
