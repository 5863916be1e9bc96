"""A motion with uneven times, on a grid of equal steps."""

import numpy as np

from ..checks import one_number

GAP = 3.0  # middle steps: a longer one is a gap, in which nothing is known
NUM_NEAREST = 4  # samples, through which a cubic polynomial goes


def resampled(times, states, force, time_step=None, longest_gap=None):
    """Times, states and force on a grid; see `Trajectory.resample`."""
    if len(times) < NUM_NEAREST:
        raise ValueError(
            f"A motion is interpolated between four samples. Received {len(times)}. Measure longer."
        )
    steps = np.diff(times)
    middle = float(np.median(steps))
    time_step = one_number("time_step", middle if time_step is None else time_step, "s", above=0.0)
    longest = GAP * middle if longest_gap is None else longest_gap
    longest = one_number("longest_gap", longest, "s", above=0.0)
    wide = int(np.argmax(steps))
    if steps[wide] > longest * (1.0 + 1e-9):
        raise ValueError(
            f"A gap longer than {longest:g} s is not interpolated: nothing is known there. "
            f"Received {steps[wide]:g} s, from {times[wide]:g} s to {times[wide + 1]:g} s. "
            "Take the parts before and after it, or pass a larger longest_gap."
        )
    num = int(np.floor((times[-1] - times[0]) / time_step * (1.0 + 1e-12))) + 1
    if num < 2:
        raise ValueError(
            f"time_step must be shorter than the motion. Received {time_step:g} s, for "
            f"{times[-1] - times[0]:g} s. Pass a shorter one."
        )
    grid = times[0] + time_step * np.arange(num)
    return grid, _cubic(grid, times, states), _linear(grid, times, force)


def _cubic(grid, times, values):
    """Lagrange's polynomial through the four samples around every time; `(batch, grid, …)`."""
    first = np.clip(np.searchsorted(times, grid, side="right") - 2, 0, len(times) - NUM_NEAREST)
    around = times[first[:, None] + np.arange(NUM_NEAREST)]
    result = 0.0
    for i in range(NUM_NEAREST):
        weight = np.ones(len(grid))
        for j in range(NUM_NEAREST):
            if j != i:
                weight *= (grid - around[:, j]) / (around[:, i] - around[:, j])
        result = result + weight[:, None] * values[:, first + i]
    return result


def _linear(grid, times, values):
    last = np.clip(np.searchsorted(times, grid, side="right") - 1, 0, len(times) - 2)
    share = ((grid - times[last]) / (times[last + 1] - times[last]))[:, None]
    return (1.0 - share) * values[:, last] + share * values[:, last + 1]
