"""Least squares on the free runs of an equation, from short windows to whole records.

Begin with `shooting`, the search, whose steps are in `window_descent`. `window_layout` cuts records
into windows, `window_runs` runs an equation in all of them at once, with its sensitivities;
`linear_runs` does so by one step that is taken again and again, `friction_runs` for a motion that
turns and sticks. `window_starts` finds where each window begins. It may import the rooms below it;
of an equation it asks for a `run`, and of a record for its times and values.
"""

from .friction_runs import run_with_friction
from .linear_runs import run_linear_windows
from .shooting import Shooting
from .window_layout import PERIODS, middle_of, windows_of
from .window_runs import run_windows
from .window_starts import along

__all__ = [
    "PERIODS",
    "Shooting",
    "along",
    "middle_of",
    "run_linear_windows",
    "run_windows",
    "run_with_friction",
    "windows_of",
]
