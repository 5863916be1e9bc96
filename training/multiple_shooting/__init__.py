"""Least squares on the free runs of an equation, from short windows to whole records.

Begin with `shooting`, the search. `window_layout` cuts records into windows, `window_runs` runs
an equation in all of them at once, with its sensitivities, and `window_starts` finds where each
begins. It may import the rooms below it; of an equation it asks for what `Windows` and
`run_windows` name, and of a record for its times and values.
"""

from .shooting import Shooting
from .window_layout import middle_of, windows_of

__all__ = ["Shooting", "middle_of", "windows_of"]
