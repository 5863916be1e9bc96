"""Motions on a grid of times: simulated or measured, saved, split, made noisy.

`trajectory` is what `simulate` returns and what every dataset is cut from; `resampling` puts one
with gaps on a grid of equal steps. `splits` makes training and test data, `noise` measurements of
it, and `trajectory_file` writes and reads it. It may import the rooms below it.
"""

from .noise import add_noise
from .splits import split_by_time, split_by_trajectory
from .trajectory import Trajectory

__all__ = [
    "Trajectory",
    "add_noise",
    "split_by_time",
    "split_by_trajectory",
]
