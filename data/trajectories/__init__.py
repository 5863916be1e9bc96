"""Motions on a grid of times: simulated or measured, saved, split, made noisy.

`trajectory` is what `simulate` returns and what every dataset is cut from; `measurement` reads one
from a file of an instrument: `text_table` has the file's cells, `record_headings` knows words,
`record_columns` chooses the columns and `record_times` makes the times. It may import the rooms
below it.
"""

from .measurement import load_measurement
from .noise import add_noise
from .splits import split_by_time, split_by_trajectory
from .trajectory import Trajectory

__all__ = [
    "Trajectory",
    "add_noise",
    "load_measurement",
    "split_by_time",
    "split_by_trajectory",
]
